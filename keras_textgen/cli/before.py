"""What runs mean whose flags.txt is older than a flag; free of TensorFlow."""

from collections.abc import Mapping

# Flag -> the model that takes it, and what this did before there was the flag.
_BEFORE = {"sentence_rule": ("han", "sentencex")}


def with_settings_of_before(given: Mapping[str, object]) -> dict[str, object]:
    """The settings of a run, so that it goes on as it began.

    Args:
      given: values of the run's flags.txt.

    Returns:
      The same, with what a flag that was not there yet would have said.

    Example:
    >>> with_settings_of_before({"model": "han"})
    {'model': 'han', 'sentence_rule': 'sentencex'}
    >>> with_settings_of_before({"model": "sae"})
    {'model': 'sae'}
    """
    before = {
        name: value
        for name, (model, value) in _BEFORE.items()
        if given.get("model") == model and name not in given
    }
    return {**given, **before}
