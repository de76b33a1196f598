"""The rows of all replicas together: where they are, their sums."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_textgen.private_gradients import freed_with_graph


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
        context = one_of_several()
        if context is None:
            return cls(tf.constant(0), local)
        replica = context.replica_id_in_sync_group
        counts = sum_over_replicas(
            tf.one_hot(replica, context.num_replicas_in_sync, dtype=tf.int32)
            * local
        )
        return cls(tf.reduce_sum(counts[:replica]), tf.reduce_sum(counts))


def gather_rows(tensor: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, in the order of the global batch.

    Gradients flow back to the replica that a row came from.

    Example:
        >>> gather_rows(tf.constant([[1.0], [2.0]])).numpy().tolist()
        [[1.0], [2.0]]
    """
    context = one_of_several()
    return tensor if context is None else context.all_gather(tensor, axis=0)


def sum_over_replicas(values: Any) -> Any:
    """The sums of what the replicas have, each of its own.

    Args:
        values: A tensor, or a list of tensors, which are sent together.

    Returns:
        Of the same form.

    Example:
        >>> sum_over_replicas(tf.constant([1.0, 2.0])).numpy().tolist()
        [1.0, 2.0]
    """
    context = one_of_several()
    if context is None:
        return values
    return freed_with_graph(
        context.all_reduce(tf.distribute.ReduceOp.SUM, values)
    )


def one_of_several() -> tf.distribute.ReplicaContext | None:
    """The context of a replica among others; None where there is but one."""
    context = tf.distribute.get_replica_context()
    is_alone = context is None or context.num_replicas_in_sync == 1
    return None if is_alone else context
