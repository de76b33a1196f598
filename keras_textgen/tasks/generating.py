"""Texts that a trained model writes, as the settings say."""

from typing import Any

import tensorflow as tf

from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.outputs import Column, opened_output
from keras_textgen.data.views import TokenIds
from keras_textgen.models.text.text_model import decoded_strings

# Texts at a time.
_TEXTS = 1024


def write_generated(settings: Settings, model: Any) -> None:
    """Write texts that a model generates to `--output`.

    Args:
      settings: of the call.
      model: that generates.

    Raises:
      RunError: if it cannot.
      DataError: if they cannot be written.
    """
    columns = [Column("text")]
    left, seed = settings.num_samples, settings.seed
    try:
        with opened_output(settings.output, columns) as write:
            while left > 0:
                texts = sample_texts(settings, model, min(left, _TEXTS), seed)
                write({"text": text} for text in texts)
                left, seed = left - len(texts), seed + 1
    except DataError:
        raise
    except ValueError as error:
        raise RunError(f"--mode=generate: {error}") from None


def sample_texts(
    settings: Settings, model: Any, count: int, seed: int
) -> list[str]:
    """Some texts that a model generates, as the settings say.

    Args:
      settings: of a run or a call.
      model: that generates.
      count: how many.
      seed: the same gives the same.

    Raises:
      ValueError: if it cannot.
    """
    return model.generate(
        count,
        temperature=settings.sampling_temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        ban_unknown=settings.ban_unknown,
        seed=seed,
        prefix=settings.prefix or "",
        condition_on=settings.condition_on,
    )


def reconstructed_texts(
    settings: Settings, model: Any, tokens: tf.RaggedTensor | tf.Tensor
) -> list[str]:
    """What a model makes of the codes of texts, as the settings say.

    Args:
      settings: of a run.
      model: with latent variables.
      tokens: int32 [N, time] of N texts.
    """
    return model.reconstruct(
        tokens,
        beam_width=settings.beam_width,
        ban_unknown=settings.ban_unknown,
    )


def written_texts(corpus: TokenIds, sequences: tf.RaggedTensor) -> list[str]:
    """Sequences of a corpus as its models would write them.

    Args:
      corpus: with its vocabulary.
      sequences: int32 [N, (time)].
    """
    texts = []
    for start in range(0, sequences.nrows(), _TEXTS):
        piece = sequences[start : start + _TEXTS].to_tensor()
        texts += decoded_strings(corpus.vocabulary.to_text(piece))
    return texts


def shown_text(text: str) -> str:
    """A text that can be seen, also without a word.

    Example:
    >>> shown_text(" "), shown_text("a rose")
    ('(empty)', 'a rose')
    """
    return text if text.strip() else "(empty)"
