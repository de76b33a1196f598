"""The two pipelines of Apache Beam: count the words, encode the texts.

Beam is imported where it is used, and is given functions: the package works
without it.
"""

from __future__ import annotations

import collections
import functools
import json
import pathlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.batches.bags import says_something
from keras_textgen.data.shards.vocabulary import read_vocabulary
from keras_textgen.prepare.beam import in_parallel
from keras_textgen.prepare.pieces import Unit
from keras_textgen.prepare.settings import PrepareSettings
from keras_textgen.prepare.stages import (
    Job,
    count_unit,
    encode_unit,
)
from keras_textgen.prepare.work_files import writing
from keras_textgen.tokens import SPECIALS

# Parts of all words, which are summed up side by side.
_PARTS = 64
_WORDS_FILE = "words.json"
Counts = dict[bytes, int]


def count_words(job: Job, units: Sequence[Unit], options: Any) -> list[str]:
    """Counts the words of all units, and gives those of the vocabulary.

    Args:
        job: that the units are part of.
        units: to be read.
        options: of Beam.

    Returns:
        The words, the most frequent first, ties by word.
    """
    import apache_beam as beam

    path = str(job.folder / _WORDS_FILE)
    with in_parallel("units to count", units, options) as each:
        (
            each
            | "count" >> beam.FlatMap(_counted_parts, job)
            | "sum" >> beam.CombinePerKey(_summed)
            | "most frequent" >> beam.Map(_most_frequent, job.settings)
            | "all" >> beam.CombineGlobally(_joined)
            | "write" >> beam.Map(_write_words, path)
        )
    counted = json.loads(pathlib.Path(path).read_text("utf-8"))
    return [word for word, _ in _ordered(counted, job.settings)]


def encode_texts(job: Job, units: Sequence[Unit], options: Any) -> None:
    """Writes the shards of all units.

    Args:
        job: that the units are part of; its folder holds the vocabulary.
        units: to be read.
        options: of Beam.
    """
    import apache_beam as beam

    with in_parallel("units to encode", units, options) as each:
        each | "encode" >> beam.Map(_encode, job)


def _counted_parts(unit: Unit, job: Job) -> Iterator[tuple[int, Counts]]:
    for counts in count_unit(job, unit):
        parts: dict[int, Counts] = collections.defaultdict(dict)
        for word, count in counts.items():
            parts[zlib.crc32(word) % _PARTS][word] = count
        yield from parts.items()


def _summed(many: Iterable[Counts]) -> Counts:
    whole: Counts = {}
    for counts in many:
        for word, count in counts.items():
            whole[word] = whole.get(word, 0) + count
    return whole


def _most_frequent(
    part: tuple[int, Counts], settings: PrepareSettings
) -> list[tuple[str, int]]:
    """Of a part of the words, those that the vocabulary may have."""
    counts = [(word.decode(), count) for word, count in part[1].items()]
    return _ordered(counts, settings)


def _ordered(
    counts: Sequence[Sequence[Any]], settings: PrepareSettings
) -> list[tuple[str, int]]:
    kept = [
        (word, count)
        for word, count in counts
        if count >= settings.min_count
        and word not in SPECIALS
        and _is_wanted(word, settings)
    ]
    kept.sort(key=lambda each: (-each[1], each[0]))
    size = settings.vocab_size
    return kept if size is None else kept[: size - len(SPECIALS)]


def _is_wanted(word: str, settings: PrepareSettings) -> bool:
    if settings.words == "all":
        return True
    shortest = 1 if settings.tokenizer == "character" else 2
    return says_something(word, ENGLISH_STOP_WORDS, shortest)


def _joined(many: Iterable[list[Any]]) -> list[Any]:
    return [item for each in many for item in each]


def _write_words(words: list[tuple[str, int]], path: str) -> None:
    with writing(pathlib.Path(path).parent):
        pathlib.Path(path).write_text(
            json.dumps(words, ensure_ascii=False), "utf-8"
        )


def _encode(unit: Unit, job: Job) -> int:
    encode_unit(job, unit, _vocabulary(str(job.folder), job.vocabulary_sum))
    return unit.number


@functools.lru_cache(maxsize=1)
def _vocabulary(folder: str, checksum: str) -> BaseVocabulary:
    """Reads the vocabulary, once a process, as long as it is this one."""
    del checksum
    return read_vocabulary(pathlib.Path(folder))
