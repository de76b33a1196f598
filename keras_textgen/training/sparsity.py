"""How sparse the codes of a sparse model are, epoch by epoch."""

import keras

from keras_textgen.data.batches.sequences import TokenBatches
from keras_textgen.evaluation.sparsity import code_views, hoyer_table


class Sparsity(keras.callbacks.Callback):
    """Adds the sparsity of the codes to the figures of an epoch.

    `val_hoyer_<view>` and `val_hoyer_<view>_normalized` for every kind of code
    that the model's `code_views` names. The samples are drawn with the same
    noise every epoch.

    Args:
      batches: a few hundred validation sequences.
    """

    def __init__(self, batches: TokenBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds the figures to `logs`, which later callbacks see."""
        figures = hoyer_table(code_views(self.model, self._batches))
        logs.update({f"val_{name}": each for name, each in figures.items()})
