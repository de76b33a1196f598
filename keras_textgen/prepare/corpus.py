"""From files to a folder that is finished: both pipelines, and the manifest."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_textgen.checks import counted, refused
from keras_textgen.data.base_vocabulary import BaseVocabulary
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.corpus_vocabulary import corpus_vocabulary
from keras_textgen.data.labels import check_names, sorted_names
from keras_textgen.data.shards.corpus import PreparedCorpus, open_prepared
from keras_textgen.data.shards.manifest import (
    BAD,
    MANIFEST,
    VOCABULARY,
    Counts,
    File,
    Manifest,
    labels_file,
    lengths_file,
    read_manifest,
    sentences_file,
    sha256_of,
    write_atomically,
)
from keras_textgen.data.shards.split import EXTRA, array_record
from keras_textgen.data.shards.vocabulary import vocabulary_text
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.data.words import standardizer
from keras_textgen.prepare.pieces import Unit, find_files, plan_units
from keras_textgen.prepare.settings import PrepareSettings
from keras_textgen.prepare.stages import (
    Job,
    labels_part,
    lengths_part,
    read_facts,
    sentences_part,
    shard_file,
)

# Subwords are trained on about so many bytes.
_SAMPLED_BYTES = 32 << 20
_WORK = ".unfinished"
_LOCK = ".lock"


def prepare_corpus(
    input: str | os.PathLike,
    output: str | os.PathLike,
    *,
    beam_options: Sequence[str] = (),
    **settings: Any,
) -> PreparedCorpus:
    """Prepares a corpus that may be larger than memory.

    Texts are read, split by a hash of them, and written as token ids in
    shards, by Apache Beam; docs/big_data.md has the layout. The same input and
    settings give the same bytes, whatever the runner. `output` appears when all
    is done.

    Args:
        input: a file, a folder or a pattern: texts, a line each, or tables.
        output: the folder to be made.
        beam_options: flags of Beam, such as
            `["--direct_num_workers=2", "--runner=FlinkRunner"]`.
        **settings: those of `PrepareSettings`.

    Returns:
        The corpus, opened. One that was prepared before with the same settings
        of the same files is not prepared again.

    Raises:
        DataError: files cannot be used, too many records cannot, or `output`
            is something else.
        ValueError: a setting is not allowed.
    """
    asked = PrepareSettings(os.fspath(input), **settings)
    folder = pathlib.Path(output)
    paths = find_files(asked.input)
    source = _described(paths)
    if is_finished(folder, asked, source):
        return open_prepared(folder)
    options = beam_settings(beam_options)
    with _work_folder(folder) as work:
        _prepare(asked, paths, source, work, options)
        os.replace(work, folder)
    return open_prepared(folder)


def is_finished(
    folder: pathlib.Path, settings: PrepareSettings, source: dict[str, Any]
) -> bool:
    """Whether a folder holds the corpus already.

    Raises:
        DataError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / MANIFEST).exists():
        raise DataError(
            f"{folder}: is there, and no prepared corpus; allowed: a folder "
            "that is not there"
        )
    found = read_manifest(folder)
    there = {**found.settings, "source": found.source}
    asked = {**dataclasses.asdict(settings), "source": source}
    other = [name for name in asked if asked[name] != there.get(name)]
    if other:
        raise DataError(
            f"{folder}: a corpus prepared with another {' and '.join(other)}; "
            "allowed: the same settings of the same files, or another output"
        )
    return True


def beam_settings(flags: Sequence[str]) -> Any:
    """Options of Beam.

    Args:
        flags: as Beam's command line takes them.

    Raises:
        DataError: Beam is not installed.
        ValueError: Beam knows no such option.
    """
    array_record("preparing a corpus")
    try:
        from apache_beam.options.pipeline_options import (
            PipelineOptions,
            StandardOptions,
        )
        from apache_beam.runners.runner import create_runner
    except ImportError:
        raise DataError(
            "preparing a corpus needs apache_beam, which is not installed; "
            f"allowed: {EXTRA}"
        ) from None
    options = PipelineOptions(list(flags))
    # Some runners bring options of their own.
    create_runner(options.view_as(StandardOptions).runner or "DirectRunner")
    options = PipelineOptions(list(flags))
    given = options.get_all_options(retain_unknown_options=True)
    for name in set(given) - set(PipelineOptions([]).get_all_options()):
        raise refused(f"--{name}", "settings of a corpus, options of Beam")
    return options


def _prepare(
    settings: PrepareSettings,
    paths: list[pathlib.Path],
    source: dict[str, Any],
    work: pathlib.Path,
    options: Any,
) -> None:
    """Fills the folder of work; the manifest is its last file."""
    # It imports Beam.
    from keras_textgen.prepare.pipeline import count_words, encode_texts

    units = plan_units(paths)
    job = Job(settings, work, _sampled_share(settings, source))
    words = count_words(job, units, options)
    bad, labels, sample = _counted(job, units)
    vocabulary = _vocabulary(settings, words, sample)
    write_atomically(work / VOCABULARY, vocabulary_text(vocabulary))
    job = job._replace(
        label_names=labels, vocabulary_sum=sha256_of(work / VOCABULARY)
    )
    encode_texts(job, units, options)
    manifest = _joined(job, units, vocabulary, bad, source)
    _check_splits(settings, manifest)
    if _described(paths) != source:
        raise DataError(
            f"{settings.input}: changed while it was read; allowed: files that "
            "nobody writes to"
        )
    _remove_parts(work, manifest)
    write_atomically(work / MANIFEST, manifest.text)


def _described(paths: Sequence[pathlib.Path]) -> dict[str, Any]:
    """What tells input from another one, without reading it."""
    sizes = [path.stat().st_size for path in paths]
    listing = json.dumps(
        [[str(p), s] for p, s in zip(paths, sizes, strict=True)]
    )
    return {
        "files": len(paths),
        "bytes": sum(sizes),
        "listing": hashlib.sha256(listing.encode()).hexdigest(),
    }


@contextlib.contextmanager
def _work_folder(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """An empty folder beside the one to be made, for one process alone.

    What a preparation has left that was killed is removed. Where this one
    fails, what it has left stays: `bad.jsonl` says why.
    """
    work = folder.absolute().with_name(f"{folder.name}{_WORK}")
    lock = work / _LOCK
    if work.exists() and not lock.exists():
        raise DataError(
            f"{work}: is there, and none of a preparation; allowed: another "
            "output, or this folder moved away"
        )
    work.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"{work}: another process prepares this corpus; allowed: one "
                "at a time"
            ) from None
        for path in list(work.iterdir()):
            if path != lock:
                path.unlink()
        yield work


def _sampled_share(settings: PrepareSettings, source: dict[str, Any]) -> float:
    if settings.tokenizer != "subword":
        return 0.0
    return min(1.0, _SAMPLED_BYTES / max(1, source["bytes"]))


def _counted(
    job: Job, units: Sequence[Unit]
) -> tuple[int, tuple[str, ...], list[str]]:
    """Number of bad records, names of labels, and the sample of texts."""
    labels: set[str] = set()
    sample: list[str] = []
    count, first = 0, ""
    with (job.folder / BAD).open("w", encoding="utf-8") as file:
        for facts in read_facts(job.folder, "counted", len(units)):
            for record in facts["bad"]:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                first = first or _told(record)
            count += len(facts["bad"])
            if facts["problem"] is not None:
                raise DataError(facts["problem"])
            labels |= set(facts["labels"])
            sample += facts["sample"]
    if count > job.settings.max_bad:
        raise DataError(
            f"{first} ({counted(count, 'record')} or more that cannot be "
            f"used, listed in {job.folder / BAD}); allowed: "
            f"max_bad={job.settings.max_bad}"
        )
    names = sorted_names(labels)
    if job.settings.label_column is not None:
        check_names(names, pathlib.Path(job.settings.input))
    return count, names, sample


def _told(record: dict[str, Any]) -> str:
    start = f" from byte {record['offset']:,} on" if record["offset"] else ""
    reason = record["reason"].partition("; allowed")[0]
    return f"{record['file']}:{record['row']}{start}: {reason}"


def _vocabulary(
    settings: PrepareSettings, words: list[str], sample: list[str]
) -> BaseVocabulary:
    if settings.tokenizer == "subword":
        if not sample:
            raise _no_words(settings)
        return corpus_vocabulary(
            sample, "subword", vocab_size=settings.vocab_size
        )
    if len(words) < 2:
        raise _no_words(settings)
    return Vocabulary(words, standardizer(settings.tokenizer))


def _no_words(settings: PrepareSettings) -> DataError:
    return DataError(
        f"{settings.input}: fewer than 2 words occur min_count="
        f"{settings.min_count} times in texts to train on; allowed: more "
        "text, or a lower min_count"
    )


def _joined(
    job: Job,
    units: Sequence[Unit],
    vocabulary: BaseVocabulary,
    bad: int,
    source: dict[str, Any],
) -> Manifest:
    """Joins lengths and labels of all shards, and lists all files."""
    facts = list(read_facts(job.folder, "encoded", len(units)))
    shards: dict[str, tuple[File, ...]] = {}
    counts: dict[str, Counts] = {}
    others = [VOCABULARY, BAD]
    for split in SPLITS:
        paths = [
            (job.folder / shard_file(split, unit.number), each[split]["texts"])
            for unit, each in zip(units, facts, strict=True)
            if each[split]["texts"]
        ]
        shards[split] = tuple(File.of(path, rows) for path, rows in paths)
        names = Counts.__dataclass_fields__
        counts[split] = Counts(
            **{name: sum(each[split][name] for each in facts) for name in names}
        )
        parts = {lengths_file(split): lengths_part}
        if job.settings.sentence_rule is not None:
            parts[sentences_file(split)] = sentences_part
        if job.label_names:
            parts[labels_file(split)] = labels_part
        for name, part in parts.items():
            _join_arrays(job.folder / name, [part(path) for path, _ in paths])
            others.append(name)
    return Manifest(
        settings=dataclasses.asdict(job.settings),
        counts=counts,
        shards=shards,
        files=tuple(File.of(job.folder / name) for name in others),
        unit=vocabulary.unit,
        vocabulary_size=vocabulary.size,
        label_names=job.label_names,
        bad=bad,
        source=source,
    )


def _join_arrays(path: pathlib.Path, parts: Sequence[pathlib.Path]) -> None:
    arrays = [
        np.load(part, mmap_mode="r", allow_pickle=False) for part in parts
    ]
    count = sum(map(len, arrays))
    with path.open("wb") as file:
        header = {"descr": "<i4", "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for each in arrays:
            each.astype("<i4").tofile(file)


def _check_splits(settings: PrepareSettings, manifest: Manifest) -> None:
    for split, counts in manifest.counts.items():
        if not counts.texts:
            raise DataError(
                f"{settings.input}: no text is left for {split}; allowed: "
                "more texts, or larger shares of valid and test"
            )


def _remove_parts(work: pathlib.Path, manifest: Manifest) -> None:
    """Leaves what the manifest lists."""
    listed = {each.name for split in SPLITS for each in manifest.shards[split]}
    listed |= {each.name for each in manifest.files}
    for path in list(work.iterdir()):
        if path.name not in listed:
            path.unlink()
