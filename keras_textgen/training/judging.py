"""Which epoch of a run is the best."""

from collections.abc import Mapping, Sequence


def judged_by(logs: Mapping[str, float]) -> float:
    """The figure of an epoch whose lowest value makes it the best.

    Args:
      logs: figures of the epoch.

    Returns:
      The share of validation documents that a classifier gets wrong, which
      goes on falling where the loss of a few too confident answers rises;
      the validation loss of any other model.

    Example:
    >>> judged_by({"val_loss": 2.5})
    2.5
    >>> judged_by({"val_loss": 2.5, "val_accuracy": 0.75})
    0.25
    """
    if "val_accuracy" in logs:
        return 1 - logs["val_accuracy"]
    return logs["val_loss"]


def kept_epoch(
    epochs: Sequence[Mapping[str, float]], pretraining_epochs: int = 0
) -> Mapping[str, float] | None:
    """The epoch whose weights a run keeps.

    Args:
      epochs: figures of each, as `metrics.csv` has them, in their order.
      pretraining_epochs: those at the start, which are never kept.

    Returns:
      Its figures; None where there is none yet.

    Example:
    >>> losses = {1: 1.5, 2: 3.5, 3: 2.5}
    >>> epochs = [{"epoch": n, "val_loss": x} for n, x in losses.items()]
    >>> kept_epoch(epochs)["epoch"], kept_epoch(epochs, 1)["epoch"]
    (1, 3)
    """
    return min(epochs[pretraining_epochs:], key=judged_by, default=None)
