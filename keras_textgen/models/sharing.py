"""Batches of several processes, of which each reads its own part."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_textgen.data.shards.order import Share
from keras_textgen.private_workers import has_workers, strategy_of


def shared_out(
    model: Any, batches: Any, dataset_of: Callable[[Any], tf.data.Dataset]
) -> Any:
    """A dataset for a model; of several workers, each reads its part alone.

    Args:
        model: made under a strategy.
        batches: whose `can_be_shared` says whether their parts can be read
            alone; where they cannot, every worker makes all of each batch.
        dataset_of: from batches to a dataset of them.

    Returns:
        The dataset, or a distributed one.
    """
    if not (has_workers(model) and batches.can_be_shared):
        return dataset_of(batches)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        total = context.num_replicas_in_sync
        here = total // context.num_input_pipelines
        share = Share(context.input_pipeline_id * here, here, total)
        return dataset_of(batches.of_share(share))

    return strategy_of(model).distribute_datasets_from_function(of_worker)
