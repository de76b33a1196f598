"""Which epoch of a run is the best."""

from collections.abc import Mapping


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
