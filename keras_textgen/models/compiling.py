"""Keras's `compile`, for models with a loss of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_textgen.checks import SIZES, check, counted, refused
from keras_textgen.models.parts import rate_factors
from keras_textgen.private_names import set_rates, unscaled

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
            f"steps_per_execution={per_call} for an epoch of "
            f"{counted(steps, 'step')}",
            "what divides them",
        )


class Compiling(keras.Model):
    """`compile` of all models.

    Args:
        **kwargs: As in `keras.Model`.

    Attributes:
        has_targets: Whether the data are pairs of inputs and targets.
        own_losses: What Keras calls the loss that the model has, if it can.
        learning_rate_of: As `compile` was given it.
    """

    has_targets = False
    own_losses: tuple[str, ...] = ()

    def compile(
        self,
        optimizer: str | dict | keras.optimizers.Optimizer = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        learning_rate_of: Mapping[str, float] | None = None,
    ) -> None:
        """As in Keras; the loss is the model's own, by whatever name.

        Args:
            optimizer: As in Keras.
            loss: None, or the name of the model's own.
            loss_weights: None.
            metrics: As in Keras, of models with targets.
            weighted_metrics: The same.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras, but not True.
            auto_scale_loss: As in Keras.
            learning_rate_of: Factors on the learning rate, above 0, by the
                names of layers, as the model's attributes are called; other
                layers have 1. They hold on top of schedules, and for decay of
                weights, too, and are saved with the model.

        Raises:
            ValueError: If an argument has no meaning for the model.

        Example:
            >>> from keras_textgen import SentenceVAE, Vocabulary
            >>> model = SentenceVAE(Vocabulary(["red", "rose"]), rnn_units=4)
            >>> model.compile("adam", learning_rate_of={"embedding": 0.1})
            >>> model.compile("adam", learning_rate_of={"tail": 0.1})
            Traceback (most recent call last):
            ValueError: learning_rate_of=tail: no such layer; allowed: ...
        """
        check_loss(loss, self.own_losses)
        without_meaning = {"loss_weights": loss_weights}
        if not self.takes_metrics:
            without_meaning["metrics"] = metrics
            without_meaning["weighted_metrics"] = weighted_metrics
        check_compile_arguments(without_meaning, jit_compile)
        check(SIZES, steps_per_execution=steps_per_execution)
        factors = rate_factors(self, learning_rate_of or {})
        super().compile(
            optimizer=optimizer,
            metrics=self.adapted_metrics(metrics),
            weighted_metrics=self.adapted_metrics(weighted_metrics),
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )
        inner = unscaled(self.optimizer)
        if factors and isinstance(inner, keras.optimizers.MultiOptimizer):
            raise refused(
                "compile with learning_rate_of and a MultiOptimizer",
                "one optimizer, or rates in those of the MultiOptimizer",
            )
        self.learning_rate_of = dict(learning_rate_of or {})
        set_rates(inner, factors)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What a saved model is compiled with, when it is loaded."""
        config = super().get_compile_config()
        if config and self.learning_rate_of:
            config["learning_rate_of"] = self.learning_rate_of
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as a saved model was; Keras asks for it."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @property
    def takes_metrics(self) -> bool:
        """Whether there is a prediction to compare with a target."""
        return self.has_targets

    def adapted_metrics(self, metrics: Any) -> Any:
        """What `compile` is given as metrics, to fit the model's targets."""
        return metrics
