"""What of Keras's `compile` has no meaning for models with their own loss."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    raise ValueError(
        f"compile with loss={loss!r}; allowed: {allowed}, {_REASON}"
    )


def check_compile_arguments(
    refused: Mapping[str, Any], jit_compile: bool | str
) -> None:
    """Refuse further arguments of `compile`.

    Args:
        refused: Those that may be None alone, by name.
        jit_compile: As `compile` was given it.

    Raises:
        ValueError: If one of them is given, or XLA is asked for.

    Example:
        >>> check_compile_arguments({"loss_weights": [1.0]}, "auto")
        Traceback (most recent call last):
        ValueError: compile with loss_weights=[1.0]; allowed: None, as the \
model has a loss and metrics of its own
    """
    for name, value in refused.items():
        if value is not None:
            raise ValueError(
                f"compile with {name}={value!r}; allowed: None, {_REASON}"
            )
    if jit_compile is True:
        raise ValueError(
            "compile with jit_compile=True; allowed: False or 'auto', as the "
            "graph's loops and noise are not those of XLA"
        )
