"""Random numbers that depend on seed, step and row, and on nothing else."""

import zlib
from typing import NamedTuple

import tensorflow as tf


class GlobalRows(NamedTuple):
    """Where this replica's rows lie in the global batch.

    Attributes:
        first: Index of the replica's first row, int32 scalar.
        total: Rows of all replicas together, int32 scalar.
    """

    first: tf.Tensor
    total: tf.Tensor

    @classmethod
    def of(cls, tensor: tf.Tensor) -> "GlobalRows":
        """Locate the rows of a replica's tensor (leading axis: rows).

        Example:
            >>> rows = GlobalRows.of(tf.zeros([7, 2]))
            >>> int(rows.first), int(rows.total)
            (0, 7)
        """
        local = tf.shape(tensor)[0]
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return cls(tf.constant(0), local)
        replica = context.replica_id_in_sync_group
        counts = context.all_reduce(
            tf.distribute.ReduceOp.SUM,
            tf.one_hot(replica, context.num_replicas_in_sync, dtype=tf.int32)
            * local,
        )
        return cls(tf.reduce_sum(counts[:replica]), tf.reduce_sum(counts))


def gather_rows(tensor: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, in the order of the global batch.

    Gradients flow back to the replica that a row came from.

    Example:
        >>> gather_rows(tf.constant([[1.0], [2.0]])).numpy().tolist()
        [[1.0], [2.0]]
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_gather(tensor, axis=0)


class Noise:
    """Stateless noise for the rows of one batch.

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

    def beta(self, name: str, alpha: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
        """Draw from Beta(alpha, beta), both [rows, ...]; reparameterized.

        tfp's sampler has two implementations, with other numbers, and
        TensorFlow chooses between them by device and by kind of graph.
        """
        first = self._gamma(f"{name} first", alpha)
        return first / (first + self._gamma(f"{name} second", beta))

    def _gamma(self, name: str, alpha: tf.Tensor) -> tf.Tensor:
        # As below: draw from row 0, whatever the parameters of the rows
        # before, and drop them.
        before = tf.ones(
            tf.concat([[self._first_row], tf.shape(alpha)[1:]], axis=0)
        )
        whole = tf.concat([before, alpha], axis=0)
        sample = tf.random.stateless_gamma(
            tf.shape(whole), self._seed_of(name), whole
        )
        return sample[self._first_row :]

    def _seed_of(self, name: str) -> tf.Tensor:
        tag = zlib.crc32(name.encode()) & 0x7FFFFFFF
        return tf.random.experimental.stateless_fold_in(self._seed, tag)

    def _draw(self, sampler, name: str, shape: list) -> tf.Tensor:  # noqa: ANN001
        # The generators fill arrays in order, so a longer array begins with
        # the shorter one's numbers: draw from row 0 and drop what is before.
        rows = self._first_row + shape[0]
        sample = sampler([rows, *shape[1:]], self._seed_of(name))
        return sample[self._first_row :]


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
