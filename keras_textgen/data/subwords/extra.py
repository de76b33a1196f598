"""The packages of the extra `subwords`, imported where they are needed."""

from __future__ import annotations

from typing import Any

from keras_textgen.checks import refused

PACKAGE = "tensorflow_text"
EXTRA = "pip install 'keras-textgen[subwords]'"


def text_ops() -> Any:
    """The module tensorflow_text, which splits texts inside the graph.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import tensorflow_text
    except ImportError:
        raise refused(
            f"texts of a vocabulary of subwords without {PACKAGE}, which is "
            "not installed",
            f"token ids, or {EXTRA}",
        ) from None
    return tensorflow_text


def trainer_package() -> Any:
    """The module sentencepiece, which trains subwords.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import sentencepiece
    except ImportError:
        raise refused(
            "training of subwords without sentencepiece, which is not "
            "installed",
            EXTRA,
        ) from None
    return sentencepiece
