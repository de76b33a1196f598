"""What is done to a unit: its words are counted, then its texts encoded.

Both read the files anew; nothing but counts is held in memory. What they
write goes to the folder of work, under names of the unit, so that a unit that
is done twice, as runners may, leaves the same.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.shards.split import array_record, id_type
from keras_textgen.data.text_size import lengths_of
from keras_textgen.data.words import split_words, standardizer
from keras_textgen.prepare.encoding import encoded
from keras_textgen.prepare.pieces import Unit
from keras_textgen.prepare.records import (
    Bad,
    BadRecords,
    Record,
    TooManyBadError,
    records_of,
    share_of,
    split_of,
)
from keras_textgen.prepare.settings import PrepareSettings
from keras_textgen.prepare.work_files import (
    facts_file,
    temporary,
    write_array,
    write_json,
    writing,
)
from keras_textgen.tokens import UNKNOWN_ID

_TEXTS_AT_ONCE = 10_000
# Different words that are held of a unit before they are handed on.
_MOST_WORDS = 1_000_000
# Texts that are compressed together: of a few, any can be read in microseconds;
# one by one, they would take three times the room, and readers much memory.
_WRITING = "group_size:16"
# The seed of the sample is another one than that of the split.
_SAMPLE_SEED = 10**15 + 1


class Job(NamedTuple):
    """What all units of a corpus have in common.

    Attributes:
        settings: of the preparation.
        folder: of work, which all processes see.
        sampled_share: of the training texts, those that subwords are trained
            on; 0 for none.
        label_names: known once all units are counted.
        vocabulary_sum: the checksum of the vocabulary, likewise.
    """

    settings: PrepareSettings
    folder: pathlib.Path
    sampled_share: float = 0.0
    label_names: tuple[str, ...] = ()
    vocabulary_sum: str = ""


# -- Counting -----------------------------------------------------------------


def count_unit(job: Job, unit: Unit) -> Iterator[collections.Counter[bytes]]:
    """Counts the words of the training texts of a unit.

    It writes `facts` of the unit: labels, bad records, and what ended it.

    Args:
        job: that it is part of.
        unit: to be read.

    Yields:
        Counts, of which there are several where there are many words.
    """
    settings = job.settings
    bad = BadRecords(settings.max_bad)
    labels: set[str] = set()
    sample: list[str] = []
    problem = None

    def training_texts() -> Iterator[str]:
        for record in records_of(unit, settings, bad.add):
            if record.label is not None:
                labels.add(record.label)
            if split_of(record.text, settings) != "train":
                continue
            if _is_sampled(job, record.text):
                sample.append(record.text)
            yield record.text

    counts: collections.Counter[bytes] = collections.Counter()
    try:
        for texts in _batched(training_texts()):
            if settings.tokenizer == "subword":
                continue
            counts.update(_word_counts(texts, settings))
            if len(counts) > _MOST_WORDS:
                yield counts
                counts = collections.Counter()
    except DataError as error:
        problem = str(error)
    except TooManyBadError:
        pass
    yield counts
    facts = {
        "bad": [dataclasses.asdict(each) for each in bad.found],
        "labels": sorted(labels),
        "sample": sample,
        "problem": problem,
    }
    with writing(job.folder):
        write_json(job.folder / facts_file("counted", unit.number), facts)


def _is_sampled(job: Job, text: str) -> bool:
    if not job.sampled_share:
        return False
    return share_of(text, _SAMPLE_SEED) < job.sampled_share


def _word_counts(
    texts: list[str], settings: PrepareSettings
) -> dict[bytes, int]:
    standardize = standardizer(settings.tokenizer)
    words = split_words(tf.constant(texts, tf.string), standardize)
    different, _, counts = tf.unique_with_counts(words.flat_values)
    return dict(
        zip(different.numpy().tolist(), counts.numpy().tolist(), strict=True)
    )


# -- Encoding -----------------------------------------------------------------


def encode_unit(job: Job, unit: Unit, vocabulary: BaseVocabulary) -> None:
    """Writes the texts of a unit as shards of token ids, one a split.

    It writes lengths and labels beside them, and `facts`: counts by split.

    Args:
        job: that it is part of.
        unit: to be read.
        vocabulary: of all training texts.
    """
    with writing(job.folder):
        _encode_unit(job, unit, vocabulary)


def _encode_unit(job: Job, unit: Unit, vocabulary: BaseVocabulary) -> None:
    writers = {
        split: _ShardWriter(job, vocabulary, split, unit.number)
        for split in SPLITS
    }
    bad: list[Bad] = []
    for records in _batched(records_of(unit, job.settings, bad.append)):
        by_split = collections.defaultdict(list)
        for record in records:
            by_split[split_of(record.text, job.settings)].append(record)
        for split, chosen in by_split.items():
            writers[split].write(chosen)
    write_json(
        job.folder / facts_file("encoded", unit.number),
        {split: writer.finished() for split, writer in writers.items()},
    )


class _ShardWriter:
    """Writes the texts of one split of a unit."""

    def __init__(
        self, job: Job, vocabulary: BaseVocabulary, split: str, number: int
    ) -> None:
        self._job = job
        self._vocabulary = vocabulary
        self._path = job.folder / shard_file(split, number)
        self._temporary = temporary(self._path)
        self._type = id_type(vocabulary.size)
        self._writer: Any = None
        self._lengths: list[np.ndarray] = []
        self._sentences: list[np.ndarray] = []
        self._labels: list[int] = []
        self._numbers = {
            name: number for number, name in enumerate(job.label_names)
        }
        self._counts = collections.Counter(
            dict.fromkeys(
                ("texts", "words", "bytes", "tokens", "unknown", "too_long"), 0
            )
        )

    def write(self, records: list[Record]) -> None:
        """Writes some texts, but for those that are too long."""
        settings = self._job.settings
        texts = [record.text for record in records]
        found = encoded(texts, self._vocabulary, settings.sentence_rule)
        kept = np.full(len(records), True)
        if settings.max_length is not None:
            kept = found.words <= settings.max_length
        ends, sizes = np.cumsum(found.sizes), lengths_of(texts)
        written = found.ids.astype(self._type)
        for row in np.flatnonzero(kept):
            begin, end = ends[row] - found.sizes[row], ends[row]
            self._write(written[begin:end].tobytes())
            if self._numbers:
                self._labels.append(self._numbers[records[row].label])
        self._lengths.append(found.lengths[kept].astype(np.int32))
        if settings.sentence_rule is not None:
            sentences = found.sentences[np.repeat(kept, found.lengths)]
            self._sentences.append(sentences.astype(np.int32))
        is_kept = np.repeat(kept, found.sizes)
        words, size = sizes[kept].sum(axis=0).tolist()
        self._counts.update(
            texts=int(kept.sum()),
            words=words,
            bytes=size,
            tokens=int(found.tokens[kept].sum()),
            unknown=int(np.sum(found.ids[is_kept] == UNKNOWN_ID)),
            too_long=int(np.sum(~kept)),
        )

    def _write(self, content: bytes) -> None:
        if self._writer is None:
            module = array_record("writing shards")
            self._writer = module.ArrayRecordWriter(
                str(self._temporary), _WRITING
            )
        self._writer.write(content)

    def finished(self) -> dict[str, int]:
        """Ends the shard, and gives the counts of the split."""
        if self._writer is not None:
            self._writer.close()
            self._temporary.replace(self._path)
            write_array(lengths_part(self._path), np.concatenate(self._lengths))
            if self._sentences:
                write_array(
                    sentences_part(self._path), np.concatenate(self._sentences)
                )
            if self._numbers:
                labels = np.array(self._labels, np.int32)
                write_array(labels_part(self._path), labels)
        return dict(self._counts)


# -- Files of a unit -----------------------------------------------------------


def shard_file(split: str, number: int) -> str:
    """The name of the shard of a split of a unit.

    Example:
        >>> shard_file("train", 7)
        'train-00007.array_record'
    """
    return f"{split}-{number:05}.array_record"


def lengths_part(shard: pathlib.Path) -> pathlib.Path:
    """Where the lengths of the texts of a shard are."""
    return shard.with_suffix(".lengths.npy")


def sentences_part(shard: pathlib.Path) -> pathlib.Path:
    """Where the lengths of the sentences of a shard are."""
    return shard.with_suffix(".sentences.npy")


def labels_part(shard: pathlib.Path) -> pathlib.Path:
    """Where the labels of the texts of a shard are."""
    return shard.with_suffix(".labels.npy")


def _batched(items: Iterable[Any]) -> Iterator[list[Any]]:
    items = iter(items)
    while batch := list(itertools.islice(items, _TEXTS_AT_ONCE)):
        yield batch
