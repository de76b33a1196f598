"""How long workers wait for each other, which TensorFlow does not document."""

import inspect

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.eager import context

# Those that a MultiWorkerMirroredStrategy would name.
_JOBS = ("chief", "worker")


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
