"""What a text model may be told, checked."""

from typing import Any

from keras_textgen.checks import SIZES, SWITCHES, Instances, Numbers, check
from keras_textgen.data.base_vocabulary import BaseVocabulary

_SIZES = ("embedding_dim", "rnn_units", "num_layers", "max_length")
_SWITCHES = ("starts_with_end", "tied_embeddings")
_VOCABULARIES = Instances(BaseVocabulary, "a Vocabulary or SubwordVocabulary")


def check_text_settings(model: Any) -> None:
    """Refuse settings that are out of their ranges.

    Args:
        model: With the settings of `TextModel` as attributes.

    Raises:
        ValueError: For the first.

    Example:
        >>> import types
        >>> check_text_settings(types.SimpleNamespace(vocabulary=["red"]))
        Traceback (most recent call last):
        ValueError: vocabulary=['red']; allowed: a Vocabulary or \
SubwordVocabulary
    """

    def given(*names: str) -> dict[str, Any]:
        return {name: getattr(model, name) for name in names}

    check(_VOCABULARIES, **given("vocabulary"))
    check(SIZES, **given(*_SIZES))
    check(Numbers(at_least=0, at_most=1), **given("word_keep_rate"))
    check(Numbers(at_least=0, below=1), **given("dropout"))
    check(SWITCHES, **given(*_SWITCHES))
