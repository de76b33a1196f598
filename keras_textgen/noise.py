"""Random numbers that depend on what is named here, and on nothing else.

In training they depend on seed, step and row of the global batch, outside of
training on seed, text and number of the sample.
"""

import zlib

import numpy as np
import tensorflow as tf

from keras_textgen.distributions.beta import LogBeta
from keras_textgen.private_gradients import custom_gradient
from keras_textgen.tokens import PAD_ID

# Further proposals for a gamma variable if the first is refused. Each is
# accepted with a chance above 0.95, so that all are refused once in 6e7 times.
_NUM_PROPOSALS = 5
# 2^64 over the golden ratio: the step between counters.
_STEP = np.uint64(0x9E3779B97F4A7C15)
# Shifts and factors of the finalizer of SplitMix64, which is a bijection.
_MIXING = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST_SHIFT = np.uint64(31)
# A count is told from others to 2^-16.
_COUNT_UNITS = 2.0**16
# Phi(-2), where the truncated normal begins.
_BELOW_TRUNCATION = 0.022750131948179195


class RowNoise:
    """Base of the noise for the rows of a batch; no row's depends on another's.

    Draws have names, and those of different names are independent.
    """

    def of_copies(self, copies: int) -> "RowNoise":
        """Noise for a batch in which each row stands `copies` times."""
        raise NotImplementedError

    def normal(self, name: str, shape: list) -> tf.Tensor:
        """Draw N(0, 1) of the given shape, rows leading."""
        raise NotImplementedError

    def uniform(self, name: str, shape: list) -> tf.Tensor:
        """Draw from U[0, 1) of the given shape."""
        raise NotImplementedError

    def _bits(self, name: str, shape: list) -> tf.Tensor:
        """Draw uint64 of the given shape."""
        raise NotImplementedError

    def beta(self, name: str, alpha: tf.Tensor, beta: tf.Tensor) -> LogBeta:
        """Draw from Beta(alpha, beta), both [rows, ...]; reparameterized.

        In logarithms, as a variable with a concentration far below 1 is often
        nearer to 0 or 1 than any number of float32.
        """
        first = self._log_gamma(f"{name} first", alpha)
        return LogBeta.of_logit(first - self._log_gamma(f"{name} second", beta))

    def _log_gamma(self, name: str, concentration: tf.Tensor) -> tf.Tensor:
        """Log of a gamma variable: Gamma(a) is Gamma(a + 1) U^(1 / a)."""
        bits = self._bits(name, tf.unstack(tf.shape(concentration)))
        above_one = _gamma_above_one(concentration + 1, bits)
        # The proposals take the numbers before.
        exponential = _exponential(_hashed(bits, _counter(_NUM_PROPOSALS)))
        return tf.math.log(above_one) - exponential / concentration


class Noise(RowNoise):
    """Stateless noise for the rows of one batch of training.

    Row i of the global batch gets the same numbers whatever the number of
    replicas, so that two replicas compute what one does, and a resumed run
    draws what the uninterrupted one would have drawn.

    Args:
        seed: int32 [2]; fold seed and step into it.
        first_row: Global index of the local batch's first row.
        truncated: Restrict normal noise to [-2, 2].

    Example:
        >>> whole = Noise(tf.constant([1, 2]))
        >>> second_half = Noise(tf.constant([1, 2]), first_row=2)
        >>> all_rows = whole.normal("z", [4, 3])
        >>> bool(tf.reduce_all(second_half.normal("z", [2, 3]) == all_rows[2:]))
        True
    """

    def __init__(
        self,
        seed: tf.Tensor,
        first_row: tf.Tensor | int = 0,
        truncated: bool = False,
    ) -> None:
        self._seed = seed
        self._first_row = first_row
        self._truncated = truncated

    def of_copies(self, copies: int) -> "Noise":
        """Noise for a batch in which each row stands `copies` times.

        Example:
            >>> noise = Noise(tf.constant([1, 2]), first_row=2).of_copies(3)
            >>> whole = Noise(tf.constant([1, 2])).normal("z", [12, 1])
            >>> bool(tf.reduce_all(noise.normal("z", [6, 1]) == whole[6:]))
            True
        """
        return Noise(self._seed, self._first_row * copies, self._truncated)

    def normal(self, name: str, shape: list) -> tf.Tensor:
        """Draw N(0, 1) of the given shape, rows leading."""
        sampler = (
            tf.random.stateless_truncated_normal
            if self._truncated
            else tf.random.stateless_normal
        )
        return self._draw(sampler, name, shape)

    def uniform(self, name: str, shape: list) -> tf.Tensor:
        """Draw from U[0, 1) of the given shape."""
        return self._draw(tf.random.stateless_uniform, name, shape)

    def _bits(self, name: str, shape: list) -> tf.Tensor:
        return self._draw(_stateless_bits, name, shape)

    def _draw(self, sampler, name: str, shape: list) -> tf.Tensor:  # noqa: ANN001
        # The generators fill arrays in order, so a longer array begins with
        # the shorter one's numbers: draw from row 0 and drop what is before.
        rows = self._first_row + shape[0]
        seed = tf.random.experimental.stateless_fold_in(self._seed, _tag(name))
        return sampler([rows, *shape[1:]], seed)[self._first_row :]


class TextNoise(RowNoise):
    """Noise for the rows of a batch of texts, outside of training.

    The numbers of a row are a function of the seed, its tokens without the
    padding, and the number of the sample: not of the row's place, the batch
    and its width, nor of what was drawn before. A counter-based hash gives the
    bits, for the whole batch at once, and quantile functions make them normal.

    Args:
        keys: What stands for seed and text of each row, uint64 [rows].
        numbers: Of the samples, uint64 [rows].
        truncated: Restrict normal noise to [-2, 2].

    Example:
        >>> texts = tf.constant([[2, 5, 3, 0], [2, 4, 5, 3]])
        >>> together = TextNoise.of(texts, seed=[1, 2]).normal("z", [2, 4])
        >>> alone = TextNoise.of(texts[:1, :3], [1, 2]).normal("z", [1, 4])
        >>> np.allclose(together[:1], alone)
        True
    """

    def __init__(
        self, keys: tf.Tensor, numbers: tf.Tensor, truncated: bool = False
    ) -> None:
        self._keys = keys
        self._numbers = numbers
        self._truncated = truncated

    @classmethod
    def of(
        cls,
        tokens: tf.Tensor,
        seed: tf.Tensor | list[int],
        truncated: bool = False,
    ) -> "TextNoise":
        """Noise for sample 0 of each text.

        Args:
            tokens: int32 [batch, time], 0 where there is padding.
            seed: int32 [2].
            truncated: Restrict normal noise to [-2, 2].
        """
        keys = _text_keys(tokens, seed)
        return cls(keys, tf.zeros_like(keys), truncated)

    @classmethod
    def of_bags(
        cls,
        columns: tf.Tensor,
        counts: tf.Tensor,
        seed: tf.Tensor | list[int],
    ) -> "TextNoise":
        """Noise for sample 0 of each bag of words.

        A function of which words it holds how often: not of their order, nor
        of whether a word has one place or, its counts added up, two.

        Args:
            columns: int32 [batch, places].
            counts: float32 [batch, places], 0 where there is padding.
            seed: int32 [2].

        Example:
            >>> columns = tf.constant([[3, 5, 3], [5, 3, 0]])
            >>> counts = tf.constant([[1.0, 1, 1], [1, 2, 0]])
            >>> noise = TextNoise.of_bags(columns, counts, seed=[1, 2])
            >>> one, other = noise.normal("z", [2, 1]).numpy().tolist()
            >>> one == other
            True
        """
        keys = _bag_keys(columns, counts, seed)
        return cls(keys, tf.zeros_like(keys))

    def of_copies(self, copies: int) -> "TextNoise":
        """Noise for a batch in which each row stands `copies` times.

        Sample n of a text becomes its samples n * copies and following.
        """
        return self._each_repeated(copies, self._numbers * _counter(copies))

    def of_samples(
        self, first: tf.Tensor | int, count: tf.Tensor | int
    ) -> "TextNoise":
        """Noise for samples first ... first + count - 1 of each text.

        The samples of a text follow each other.

        Example:
            >>> noise = TextNoise.of(tf.constant([[2, 5, 3]]), seed=[1, 2])
            >>> ten = noise.of_samples(0, 10).normal("z", [10, 1])
            >>> two = noise.of_samples(4, 2).normal("z", [2, 1])
            >>> np.allclose(ten[4:6], two)
            True
        """
        return self._each_repeated(count, self._numbers + _counter(first))

    def _each_repeated(
        self, count: tf.Tensor | int, numbers: tf.Tensor
    ) -> "TextNoise":
        """Each row `count` times, the numbers counting up."""
        numbers = numbers[:, tf.newaxis] + _counter(tf.range(count))
        return TextNoise(
            tf.repeat(self._keys, count),
            tf.reshape(numbers, [-1]),
            self._truncated,
        )

    def normal(self, name: str, shape: list) -> tf.Tensor:
        """Draw N(0, 1) of the given shape, rows leading."""
        start = _BELOW_TRUNCATION if self._truncated else 0.0
        return _normal(self._bits(name, shape), start)

    def uniform(self, name: str, shape: list) -> tf.Tensor:
        """Draw from U(0, 1) of the given shape; 0 and 1 do not occur."""
        return _uniform(self._bits(name, shape))

    def _bits(self, name: str, shape: list) -> tf.Tensor:
        keys = _hashed(self._keys, self._numbers)
        keys = _hashed(keys, _counter(_tag(name)))
        size = tf.reduce_prod(tf.convert_to_tensor(shape[1:], tf.int32))
        elements = _counter(tf.range(size))
        bits = _hashed(keys[:, tf.newaxis], elements)
        return tf.reshape(bits, shape)


class NoNoise:
    """Zeros in place of normal noise: samples become means."""

    def of_copies(self, copies: int) -> "NoNoise":
        """The same: it does not depend on rows."""
        del copies
        return self

    def normal(self, name: str, shape: list) -> tf.Tensor:
        """Give zeros of the given shape."""
        del name
        return tf.zeros(shape)


# -- Bits ----------------------------------------------------------------------


def _tag(name: str) -> int:
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def _stateless_bits(shape: list, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.uint64
    )


def _counter(values: tf.Tensor | int) -> tf.Tensor:
    """Numbers that int32 holds, negative ones too, as uint64."""
    values = tf.bitcast(tf.cast(values, tf.int32), tf.uint32)
    return tf.cast(values, tf.uint64)


def _hashed(keys: tf.Tensor, counters: tf.Tensor) -> tf.Tensor:
    """Other keys, which nothing shows to be of one key and two counters."""
    values = keys + (counters + np.uint64(1)) * _STEP
    for shift, factor in _MIXING:
        values = factor * _folded(values, shift)
    return _folded(values, _LAST_SHIFT)


def _folded(values: tf.Tensor, shift: np.uint64) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(values, tf.bitwise.right_shift(values, shift))


def _text_keys(tokens: tf.Tensor, seed: tf.Tensor | list[int]) -> tf.Tensor:
    """A key of each text, uint64 [batch].

    The sum of hashes of token and position, so that padding adds nothing and
    nothing is done token by token. Two texts share a key with a chance of
    2^-64.
    """
    seed = _seed_key(seed)
    positions = _hashed(seed, _counter(tf.range(tf.shape(tokens)[1])))
    hashes = _hashed(positions, _counter(tokens))
    hashes = tf.where(tokens == PAD_ID, np.uint64(0), hashes)
    return _hashed(tf.reduce_sum(hashes, axis=1), seed)


def _bag_keys(
    columns: tf.Tensor, counts: tf.Tensor, seed: tf.Tensor | list[int]
) -> tf.Tensor:
    """A key of each bag, uint64 [batch]: the sum of counts times hashes.

    Two bags of whole counts share a key with a chance of 2^-48.
    """
    seed = _seed_key(seed)
    whole = tf.cast(tf.round(counts * _COUNT_UNITS), tf.int64)
    hashes = _hashed(seed, _counter(columns)) * tf.bitcast(whole, tf.uint64)
    return _hashed(tf.reduce_sum(hashes, axis=1), seed)


def _seed_key(seed: tf.Tensor | list[int]) -> tf.Tensor:
    """A seed int32 [2] as one number, uint64."""
    first, second = tf.unstack(_counter(seed))
    return _hashed(_hashed(tf.zeros_like(first), first), second)


# -- From bits to numbers, uint64 to float32 of the same shape -----------------


def _uniform(bits: tf.Tensor) -> tf.Tensor:
    """U(0, 1): the middles of 2^23 cells, which float32 holds exactly."""
    cell = tf.bitwise.right_shift(bits, np.uint64(41))
    return (tf.cast(cell, tf.float32) + 0.5) * 2.0**-23


def _half(bits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which half of (0, 1) a uniform number lies in, and how far from its end.

    Returns:
        bool, whether it is the upper half; and the distance from 0 or 1, in
        (0, 1/2], which float32 holds with all its digits however small it is.
    """
    is_upper = tf.bitwise.bitwise_and(bits, np.uint64(1)) == 1
    cell = tf.bitwise.right_shift(bits, np.uint64(32))
    return is_upper, (tf.cast(cell, tf.float32) + 0.5) * 2.0**-33


def _normal(bits: tf.Tensor, start: float = 0.0) -> tf.Tensor:
    """N(0, 1) without the outermost `start` of the mass on either side."""
    is_upper, distance = _half(bits)
    below = tf.math.ndtri(start + (1 - 2 * start) * distance)
    return tf.where(is_upper, -below, below)


def _exponential(bits: tf.Tensor) -> tf.Tensor:
    """Exp(1), the logarithm of a uniform number without its sign."""
    is_upper, distance = _half(bits)
    return tf.where(is_upper, -tf.math.log1p(-distance), -tf.math.log(distance))


@custom_gradient
def _gamma_above_one(concentration: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Gamma variables of concentrations above 1, with implicit gradients.

    Marsaglia and Tsang 2000, "A simple method for generating gamma variables":
    the first proposal that is accepted, which is mostly the first of all.
    """
    sample, is_accepted = _gamma_proposals(concentration, bits)
    refused = tf.where(~is_accepted)
    further, are_accepted = _gamma_proposals(
        tf.gather_nd(concentration, refused)[:, tf.newaxis],
        _hashed(
            tf.gather_nd(bits, refused)[:, tf.newaxis],
            _counter(tf.range(_NUM_PROPOSALS)),
        ),
    )
    numbers = tf.where(
        are_accepted, tf.range(_NUM_PROPOSALS), _NUM_PROPOSALS - 1
    )
    further = tf.gather(further, tf.reduce_min(numbers, 1), batch_dims=1)
    sample = tf.tensor_scatter_nd_update(sample, refused, further)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        slope = tf.raw_ops.RandomGammaGrad(alpha=concentration, sample=sample)
        return upstream * slope, None

    return sample, gradient


def _gamma_proposals(
    concentration: tf.Tensor, bits: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Proposals, float32 of the common shape, and whether each is accepted."""
    normal = _normal(bits)
    # Of the bits that the normal leaves.
    cell = tf.bitwise.bitwise_and(
        tf.bitwise.right_shift(bits, np.uint64(1)), np.uint64(2**23 - 1)
    )
    threshold = tf.math.log((tf.cast(cell, tf.float32) + 0.5) * 2.0**-23)
    scale = concentration - 1 / 3
    root = 1 + normal / (3 * tf.sqrt(scale))
    is_positive = root > 0
    root = tf.where(is_positive, root, 1.0)
    ratio = root**3
    log_ratio = tf.square(normal) / 2
    log_ratio += scale * (1 - ratio + 3 * tf.math.log(root))
    return scale * ratio, is_positive & (threshold < log_ratio)
