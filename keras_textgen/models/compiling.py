"""What of Keras's `compile` has no meaning for models with their own loss."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_textgen.checks import refused

_REASON = "as the model has a loss and metrics of its own"


def check_loss(loss: Any, own_losses: Sequence[str]) -> None:
    """Refuse a loss that is not the model's own.

    Args:
        loss: As `compile` was given it.
        own_losses: What Keras calls the loss of the model.

    Raises:
        ValueError: If it is neither None nor one of them.

    Example:
        >>> check_loss("mse", ["mse"])
        >>> check_loss("mae", ["mse"])
        Traceback (most recent call last):
        ValueError: compile with loss='mae'; allowed: None or 'mse', as the \
model has a loss and metrics of its own
    """
    if loss is None or (isinstance(loss, str) and loss in own_losses):
        return
    allowed = " or ".join(["None", *map(repr, own_losses)])
    raise refused(f"compile with loss={loss!r}", f"{allowed}, {_REASON}")


def check_compile_arguments(
    without_meaning: Mapping[str, Any], jit_compile: bool | str
) -> None:
    """Refuse further arguments of `compile`.

    Args:
        without_meaning: Those that may be None alone, by name.
        jit_compile: As `compile` was given it.

    Raises:
        ValueError: If one of them is given, or XLA is asked for.

    Example:
        >>> check_compile_arguments({"loss_weights": [1.0]}, "auto")
        Traceback (most recent call last):
        ValueError: compile with loss_weights=[1.0]; allowed: None, as the \
model has a loss and metrics of its own
    """
    for name, value in without_meaning.items():
        if value is not None:
            raise refused(f"compile with {name}={value!r}", f"None, {_REASON}")
    if jit_compile is True:
        raise refused(
            "compile with jit_compile=True",
            "False or 'auto', as the graph's loops and noise are not those of "
            "XLA",
        )


def check_steps(steps: int | None, per_call: int) -> None:
    """Refuse an epoch from which Keras would go on into the next one.

    Args:
        steps: Of the epoch; None where they are not known.
        per_call: `steps_per_execution`.

    Raises:
        ValueError: If the steps of a call do not divide those of the epoch.
    """
    if steps and steps % per_call:
        raise refused(
            f"steps_per_execution={per_call} for an epoch of {steps} steps",
            "what divides them",
        )
