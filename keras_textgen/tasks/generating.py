"""Texts that a trained model generates, as the settings say."""

from typing import Any

from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.outputs import Column, opened_output

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
