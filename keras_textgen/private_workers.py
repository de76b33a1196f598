"""What replicas and workers need of Keras and TensorFlow beyond their pages."""

import contextlib
import inspect
from collections.abc import Iterator

import keras
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.eager import context

# Those that a MultiWorkerMirroredStrategy would name.
_JOBS = ("chief", "worker")


def strategy_of(model: keras.Model) -> tf.distribute.Strategy:
    """The distribution strategy under whose scope a model was made.

    Example:
        >>> strategy_of(keras.Sequential()).num_replicas_in_sync
        1
    """
    return model.distribute_strategy


def has_workers(model: keras.Model) -> bool:
    """Whether a model is trained by several processes together.

    Example:
        >>> has_workers(keras.Sequential())
        False
    """
    return are_workers(strategy_of(model))


def are_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy is one of several processes.

    Example:
        >>> are_workers(tf.distribute.get_strategy())
        False
    """
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


@contextlib.contextmanager
def sums_of_replicas(
    optimizer: keras.optimizers.Optimizer,
) -> Iterator[None]:
    """While it is open, gradients are those of all replicas already.

    Keras adds up what the replicas apply, hence would send each gradient once
    more.

    Args:
        optimizer: Keras's, without its scaling of the loss.

    Example:
        >>> with sums_of_replicas(keras.optimizers.SGD()) as nothing:
        ...     print(nothing)
        None
    """
    name = "_all_reduce_sum_gradients"
    vars(optimizer)[name] = lambda pairs: pairs
    try:
        yield
    finally:
        # The thread of another replica, which waits for this one when it has
        # passed the sums, may have removed it.
        vars(optimizer).pop(name, None)


def can_leave_out_sums() -> bool:
    """Whether Keras still adds gradients up in that method."""
    update = keras.optimizers.Optimizer._backend_update_step
    return "_all_reduce_sum_gradients" in inspect.getsource(update)


def wait_for_workers(
    seconds: int, resolver: tf.distribute.cluster_resolver.ClusterResolver
) -> None:
    """Lets a worker be silent for so long before the others take it for dead.

    Of TensorFlow's own accord, it is 10 seconds. To be called before the
    strategy is made, which then configures nothing of this.

    Args:
        seconds: of silence.
        resolver: that the strategy is made with.
    """
    cluster = tf.train.ClusterSpec(resolver.cluster_spec())
    jobs = [
        coordination_config_pb2.CoordinatedJob(
            name=job, num_tasks=cluster.num_tasks(job)
        )
        for job in _JOBS
        if job in cluster.jobs
    ]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=multi_worker_util.coordination_leader(cluster),
        coordinated_jobs=jobs,
        heartbeat_timeout_in_ms=1000 * seconds,
    )


def can_be_told() -> bool:
    """Whether TensorFlow still takes such a time."""
    configure = context.Context.configure_coordination_service
    return "heartbeat_timeout_in_ms" in inspect.signature(configure).parameters
