"""From hidden states to log-likelihoods of tokens."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_textgen.checks import SIZES, check, refused
from keras_textgen.layers.masking import NEVER_PREDICTED, without_tokens
from keras_textgen.private_gradients import custom_gradient

# Elements of the [rows, V] array that is kept from the forward to the backward
# pass, 128 MiB of float32. The probabilities of further rows are computed
# twice, this many elements at a time.
KEPT_ELEMENTS = 2**25
BLOCK_ELEMENTS = 2**23
# Rows that fill no block are taken in blocks of this part of its size.
_PARTS = 4

# Below it, a softmax in float32 is not to be trusted to its last digits.
_MIN_LIKELIHOOD = 1e-30

_Tensors = tuple[tf.Tensor, ...]


def _index(targets: tf.Tensor) -> tf.Tensor:
    """Where the targets [N] are in an array [N, V]."""
    rows = tf.range(tf.shape(targets)[0], dtype=targets.dtype)
    return tf.stack([rows, targets], axis=1)


def _product(
    left: tf.Tensor, right: tf.Tensor, **transposed: bool
) -> tf.Tensor:
    """A product of the type of `right`, as float32."""
    left = tf.cast(left, right.dtype)
    return tf.cast(tf.linalg.matmul(left, right, **transposed), tf.float32)


def _logits(hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Logits [N, V] of hidden states [N, H]."""
    return tf.nn.bias_add(_product(hidden, kernel), bias)


def _softmax_at(
    hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, targets: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Log-probabilities of the targets [N], all probabilities [N, V]."""
    # Nothing else reads these logits, so that they become the probabilities.
    probabilities = tf.nn.softmax(_logits(hidden, kernel, bias))
    index = _index(targets)
    likelihood = tf.gather_nd(probabilities, index)
    is_exact = likelihood > _MIN_LIKELIHOOD

    def with_rare() -> tf.Tensor:
        # The largest probability is at least 1/V, so its logarithm is exact
        # where that of a rare target's probability would underflow.
        logits = _logits(hidden, kernel, bias)
        log_normalizer = tf.reduce_max(logits, 1) - tf.math.log(
            tf.reduce_max(probabilities, 1)
        )
        rare = tf.gather_nd(logits, index) - log_normalizer
        return tf.where(is_exact, tf.math.log(likelihood), rare)

    # A product and two passes over [N, V] that are hardly ever needed.
    log_likelihood = tf.cond(
        tf.reduce_all(is_exact), lambda: tf.math.log(likelihood), with_rare
    )
    return log_likelihood, probabilities


def _gradients(
    upstream: tf.Tensor,
    probabilities: tf.Tensor,
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    targets: tf.Tensor,
) -> _Tensors:
    """Gradients by hidden states, kernel and bias.

    That by the logits of row n is upstream[n] * (one-hot - probabilities). The
    factor goes to what is smaller than [N, V], and the bias's sums over rows
    are a product, too, so that no pass over [N, V] is for them alone.
    """
    ones = tf.ones_like(upstream)
    delta = tf.tensor_scatter_nd_sub(probabilities, _index(targets), ones)
    delta = tf.cast(delta, kernel.dtype)
    factor = -upstream[:, tf.newaxis]
    return (
        factor * _product(delta, kernel, transpose_b=True),
        _product(hidden * factor, delta, transpose_a=True),
        _product(factor, delta, transpose_a=True)[0],
    )


def _over_further_rows(
    add: Callable[..., _Tensors],
    sums: _Tensors,
    arrays: _Tensors,
    vocabulary_size: int,
) -> _Tensors:
    """Fold `add(sums, index, is_row, *arrays)` over blocks of rows.

    There are two sizes of blocks, as XLA needs constant ones: large ones while
    there are rows for them, then small ones. What is beyond the last row is
    that row once more, with `is_row` false.

    Args:
        add: Takes and gives sums; index is [M, 1], the arrays are [M, ...].
        sums: Their first values.
        arrays: Arrays [N, ...], of which the first rows are left out.
        vocabulary_size: V.

    Returns:
        The last sums.
    """
    num_rows = tf.shape(arrays[0])[0]
    large = max(1, BLOCK_ELEMENTS // vocabulary_size)
    # Not before the kept rows are done with, and their memory is free.
    with tf.control_dependencies(sums):
        first = tf.constant(_num_kept(vocabulary_size))
    for size, end in (
        (large, num_rows - large + 1),
        (max(1, large // _PARTS), num_rows),
    ):

        def body(first: tf.Tensor, *sums: tf.Tensor, size: int = size) -> tuple:
            rows = first + tf.range(size)
            index = tf.minimum(rows, num_rows - 1)
            block = [tf.gather(each, index) for each in arrays]
            sums = add(sums, index[:, tf.newaxis], rows < num_rows, *block)
            return first + size, *sums

        first, *sums = tf.while_loop(
            lambda first, *_, end=end: first < end,
            body,
            (first, *sums),
            parallel_iterations=1,
        )
    return sums


def _num_kept(vocabulary_size: int) -> int:
    return max(1, KEPT_ELEMENTS // vocabulary_size)


def _log_softmax_at(
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    dtype: str = "float32",
) -> tf.Tensor:
    """Log-probabilities [N] of targets [N] given hidden states [N, H].

    Products are of the type `dtype`, everything else is float32.

    One array as large as [N, V] lives from the forward to the backward pass,
    the probabilities; the backward pass turns it into the gradient in place.
    It has no more than `KEPT_ELEMENTS`; further rows are taken in blocks.
    """

    @custom_gradient
    def at_targets(
        hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
    ) -> tuple[tf.Tensor, Any]:
        kernel = tf.cast(kernel, dtype)
        vocabulary_size = kernel.shape[1]
        num_kept = _num_kept(vocabulary_size)
        kept = [hidden[:num_kept], kernel, bias, targets[:num_kept]]
        log_likelihood, probabilities = _softmax_at(*kept)

        def add_values(
            sums: _Tensors,
            index: tf.Tensor,
            is_row: tf.Tensor,
            *block: tf.Tensor,
        ) -> _Tensors:
            states, tokens = block
            values, _ = _softmax_at(states, kernel, bias, tokens)
            values = tf.where(is_row, values, 0)
            return (tf.tensor_scatter_nd_add(sums[0], index, values),)

        def gradient(upstream: tf.Tensor) -> _Tensors:
            def add_gradients(
                sums: _Tensors,
                index: tf.Tensor,
                is_row: tf.Tensor,
                *block: tf.Tensor,
            ) -> _Tensors:
                upstream, states, tokens = block
                upstream = tf.where(is_row, upstream, 0)
                # Which nothing else reads, so that they become the gradient.
                probabilities = tf.nn.softmax(_logits(states, kernel, bias))
                d_states, d_kernel, d_bias = _gradients(
                    upstream, probabilities, states, kernel, tokens
                )
                return (
                    tf.tensor_scatter_nd_add(sums[0], index, d_states),
                    sums[1] + d_kernel,
                    sums[2] + d_bias,
                )

            d_kept, *terms = _gradients(
                upstream[:num_kept], probabilities, kept[0], kernel, kept[3]
            )
            d_hidden = tf.concat([d_kept, tf.zeros_like(hidden[num_kept:])], 0)
            gradients = _over_further_rows(
                add_gradients,
                (d_hidden, *terms),
                (upstream, hidden, targets),
                vocabulary_size,
            )
            return tuple(gradients)

        further = tf.zeros_like(targets[num_kept:], log_likelihood.dtype)
        (log_likelihood,) = _over_further_rows(
            add_values,
            (tf.concat([log_likelihood, further], 0),),
            (hidden, targets),
            vocabulary_size,
        )
        return log_likelihood, gradient

    return at_targets(hidden, kernel, bias)


@keras.saving.register_keras_serializable("keras_textgen")
class VocabularyLogLikelihood(keras.layers.Layer):
    """A softmax over what can follow, evaluated at the targets only.

    Padding and the start token never follow: their probability is 0, and that
    of the others adds up to 1. The kernel and the bias have entries for them
    all the same, which nothing reads or changes.

    Padding (target 0) costs nothing: its positions are dropped before the
    product with the vocabulary. Many positions are taken in blocks, so that
    memory stays bounded. Computed in float32 under every precision policy, as
    half precision rounds probabilities of rare words to zero; but in training
    the products may be of another type, which rounds logits, and no sum.

    Args:
        vocabulary_size: Number V of tokens, the special ones included.
        tied_to: An embedding whose matrix [V, H] stands for the kernel; its
            model passes it again, as no configuration has it.
        training_dtype: Type of the products in training.

    Raises:
        ValueError: If hidden states are not as wide as the embedding.

    Example:
        >>> layer = VocabularyLogLikelihood(vocabulary_size=8)
        >>> targets = tf.constant([[5, 3, 0]])
        >>> log_likelihood = layer(tf.zeros([1, 3, 4]), targets)
        >>> log_likelihood.numpy().round(3).tolist()  # log(1/6) twice
        [[-1.7920000553131104, -1.7920000553131104, 0.0]]
    """

    def __init__(
        self,
        vocabulary_size: int,
        tied_to: keras.layers.Embedding | None = None,
        training_dtype: str = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        check(SIZES, vocabulary_size=vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.tied_to = tied_to
        self.training_dtype = training_dtype

    def build(self, input_shape: tuple) -> None:
        """Create the kernel [H, V], unless it is tied, and the bias [V]."""
        if self.tied_to is None:
            self.kernel = self.add_weight(
                name="kernel", shape=(input_shape[-1], self.vocabulary_size)
            )
        elif self.tied_to.output_dim != input_shape[-1]:
            raise refused(
                f"tied_embeddings=True with embedding_dim="
                f"{self.tied_to.output_dim} and a decoder of width "
                f"{input_shape[-1]}",
                "the same width",
            )
        self.bias = self.add_weight(
            name="bias", shape=(self.vocabulary_size,), initializer="zeros"
        )
        self.built = True

    def call(
        self, hidden: tf.Tensor, targets: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Log-likelihoods of the targets.

        Args:
            hidden: Hidden states [batch, time, H].
            targets: Token ids, int32 [batch, time]; 0 is padding.
            training: Whether products are of the type for training.

        Returns:
            Log-probabilities in nats, [batch, time]; 0 at padding, and -inf
            at a start token.
        """
        index = tf.where(targets != 0)  # [N, 2]
        values = _log_softmax_at(
            tf.gather_nd(hidden, index),
            self._kernel(),
            self._masked_bias(),
            tf.gather_nd(targets, index),
            self.training_dtype if training else "float32",
        )
        shape = tf.shape(targets, out_type=index.dtype)
        return tf.scatter_nd(index, values, shape)

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Unnormalized log-probabilities [..., V] of the next token.

        Those of padding and the start token are -inf.
        """
        hidden = tf.cast(hidden, tf.float32)
        return tf.linalg.matmul(hidden, self._kernel()) + self._masked_bias()

    def _kernel(self) -> tf.Tensor:
        """[H, V]."""
        if self.tied_to is None:
            return tf.convert_to_tensor(self.kernel)
        return tf.transpose(tf.convert_to_tensor(self.tied_to.embeddings))

    def _masked_bias(self) -> tf.Tensor:
        # [V], so that the mask costs no pass over [N, V].
        return without_tokens(self.bias, NEVER_PREDICTED)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "training_dtype": self.training_dtype,
        }
