"""Aggressive training of the encoder, one batch a step."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.models.remedies import Remedy
from keras_textgen.optimizers import clipped_gradients
from keras_textgen.private_names import unscaled
from keras_textgen.replicas import sum_over_replicas

# Of the authors' code: losses are compared block by block.
BLOCK_STEPS = 10
MAX_ENCODER_STEPS = 100
# What the names of its variables in a model begin with.
STATE = "aggressive_encoder_"
# Stands for the loss before the first block, which is lower. Finite, as
# weights that are saved are best compared and checked.
_HIGHEST_LOSS = tf.float32.max


class AggressiveEncoder(tf.Module, Remedy):
    """Whose turn it is, the encoder's or the decoder's.

    He et al. 2019 (ICLR), algorithm 1. While training is aggressive, every
    step updates the encoder alone, each with a new batch, until the mean loss
    of a block of 10 steps is no lower than that of the block before, or 100
    steps are done. Then one step updates the decoder alone, and it begins
    anew. Keras gives a step one batch, so the paper's inner loop is a state
    between steps here; it is saved with the model.

    Zero gradients stop a plain SGD, not an optimizer with momentum: the paper
    trains with SGD.

    Attributes:
        aggressive: int variable, 1 at first; 0 trains both sides every step.

    Example:
        >>> model = keras.Sequential()
        >>> state = AggressiveEncoder()
        >>> state.attach(model)
        >>> for loss in [5.0] * 10 + [4.0] * 10 + [4.5] * 10:
        ...     assert state.encoder_turn()
        ...     state.record(loss, num_tokens=1.0)
        >>> bool(state.encoder_turn())  # The third block was worse.
        False
    """

    # The sides take turns by the loss of all rows.
    refuses_weights = "aggressive_encoder=True"

    def attach(self, model: keras.Model) -> None:
        """Give the model the state, by which checkpoints find it."""

        def variable(name: str, dtype: str, value: float) -> keras.Variable:
            return model.add_weight(
                name=f"{STATE}{name}",
                shape=(),
                dtype=dtype,
                initializer=keras.initializers.Constant(value),
                trainable=False,
                aggregation="only_first_replica",
            )

        self.aggressive = variable("aggressive", "int32", 1)
        self._decoder_turn = variable("decoder_turn", "int32", 0)
        self._steps = variable("steps", "int32", 0)
        # Of the block in progress, and the mean loss of the one before.
        self._nats = variable("nats", "float32", 0.0)
        self._tokens = variable("tokens", "float32", 0.0)
        self._previous = variable("previous", "float32", _HIGHEST_LOSS)
        model.aggressive_encoder = self

    def selected(
        self,
        model: Any,
        gradients: list[tf.Tensor],
        outputs: dict[str, tf.Tensor],
    ) -> list[tf.Tensor]:
        """The gradients of the side, encoder or decoder, whose turn it is.

        Raises:
            ValueError: If the optimizer moves what has no gradient.
        """
        _check_plain_sgd(unscaled(model.optimizer))
        # Both sides are clipped together, as by the authors.
        gradients = self.masked(
            clipped_gradients(gradients, model.optimizer),
            model.trainable_variables,
            model.encoder_variables(),
        )
        self.record(
            tf.reduce_sum(outputs["losses"]),
            tf.reduce_sum(outputs["num_tokens"]),
        )
        return gradients

    def encoder_turn(self) -> tf.Tensor:
        """Whether this step updates the encoder alone, bool []."""
        return self._is_aggressive() & (self._decoder_turn.value == 0)

    def masked(
        self,
        gradients: Sequence[tf.Tensor],
        variables: Sequence[keras.Variable],
        encoder_variables: Sequence[keras.Variable],
    ) -> list[tf.Tensor]:
        """Zero the gradients of the side whose turn it is not.

        Args:
            gradients: Dense, one for each variable.
            variables: The trainable variables.
            encoder_variables: Those of them that are the encoder's; the
                others are the decoder's.

        Returns:
            The gradients; all of them as they are where training is not
            aggressive.
        """
        of_encoder = {id(variable) for variable in encoder_variables}
        encoder_has_turn = self.encoder_turn()
        decoder_has_turn = ~encoder_has_turn
        both_have_turns = ~self._is_aggressive()
        result = []
        for gradient, variable in zip(gradients, variables, strict=True):
            is_kept = both_have_turns | (
                encoder_has_turn
                if id(variable) in of_encoder
                else decoder_has_turn
            )
            # Not a product, which would keep what is not finite.
            result.append(tf.where(is_kept, gradient, tf.zeros_like(gradient)))
        return result

    def record(
        self, nats: tf.Tensor | float, num_tokens: tf.Tensor | float
    ) -> None:
        """Add this step's loss, and pass the turn on where it is time.

        Call it once a step, in every replica, after `masked`. The loss of a
        block is that of a token, as sequences differ in length.

        Args:
            nats: Sum of the losses of this replica's sequences.
            num_tokens: Predicted tokens of this replica's sequences.
        """
        nats, num_tokens = _over_replicas(nats, num_tokens)
        is_turn = self.encoder_turn()
        steps = self._steps.value + 1
        nats += self._nats.value
        num_tokens += self._tokens.value
        mean = nats / num_tokens
        block_ends = steps % BLOCK_STEPS == 0
        is_no_lower = mean >= self._previous.value
        turn_ends = (block_ends & is_no_lower) | (steps >= MAX_ENCODER_STEPS)

        turn_goes_on = is_turn & ~turn_ends
        block_goes_on = turn_goes_on & ~block_ends
        kept = tf.where(block_ends, mean, self._previous.value)
        self._decoder_turn.assign(tf.cast(is_turn & turn_ends, tf.int32))
        self._steps.assign(tf.where(turn_goes_on, steps, 0))
        self._nats.assign(tf.where(block_goes_on, nats, 0.0))
        self._tokens.assign(tf.where(block_goes_on, num_tokens, 0.0))
        self._previous.assign(tf.where(turn_goes_on, kept, _HIGHEST_LOSS))

    def _is_aggressive(self) -> tf.Tensor:
        return self.aggressive.value != 0


def _over_replicas(
    nats: tf.Tensor | float, num_tokens: tf.Tensor | float
) -> list[tf.Tensor]:
    """Sums over all replicas, float32 []."""
    sums = [tf.cast(each, tf.float32) for each in (nats, num_tokens)]
    return sum_over_replicas(sums)


def _check_plain_sgd(optimizer: keras.optimizers.Optimizer) -> None:
    """Refuse optimizers that move a parameter whose gradient is 0."""
    is_sgd = isinstance(optimizer, keras.optimizers.SGD)
    if not is_sgd or optimizer.momentum or optimizer.weight_decay:
        raise refused(
            f"aggressive_encoder with the optimizer {optimizer.name!r}",
            "SGD without momentum and weight decay",
        )
