"""The vocabulary of a prepared corpus, as JSON: nothing in it is run."""

from __future__ import annotations

import hashlib
import json
import pathlib

from keras_textgen.checks import OneOf, check
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.corpus import DataError
from keras_textgen.data.shards.manifest import VOCABULARY
from keras_textgen.data.subwords.vocabulary import SubwordVocabulary
from keras_textgen.data.vocabulary import Vocabulary

_CLASSES: dict[str, type[BaseVocabulary]] = {
    "Vocabulary": Vocabulary,
    "SubwordVocabulary": SubwordVocabulary,
}
# What of a layer's settings has no meaning outside of its model.
_OF_LAYERS = ("name", "trainable", "dtype")


def vocabulary_text(vocabulary: BaseVocabulary) -> str:
    """The content of the file of a vocabulary.

    Example:
        >>> print(vocabulary_text(Vocabulary(["red", "rose"])))
        {"class": "Vocabulary", "config": {"words": ["red", "rose"], \
"standardize": "words"}}
    """
    config = vocabulary.get_config()
    for name in _OF_LAYERS:
        config.pop(name, None)
    fields = {"class": type(vocabulary).__name__, "config": config}
    return json.dumps(fields, ensure_ascii=False)


def vocabulary_sum(vocabulary: BaseVocabulary) -> str:
    """The checksum of the file of a vocabulary, in hexadecimal."""
    return hashlib.sha256(vocabulary_text(vocabulary).encode()).hexdigest()


def read_vocabulary(folder: pathlib.Path) -> BaseVocabulary:
    """The vocabulary of a prepared corpus.

    Args:
        folder: of the corpus.

    Raises:
        DataError: it cannot be read.
    """
    path = folder / VOCABULARY
    try:
        fields = json.loads(path.read_text("utf-8"))
        check(OneOf(tuple(_CLASSES)), vocabulary=fields["class"])
        return _CLASSES[fields["class"]](**fields["config"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path}: cannot be read ({error!s:.80}); allowed: the file as "
            "it was written"
        ) from None
