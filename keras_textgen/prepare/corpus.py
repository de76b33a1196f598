"""From files to a folder that is finished: both pipelines, and the manifest."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from keras_textgen.checks import refused
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
    sentences_file,
    sha256_of,
    write_atomically,
)
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.data.shards.split import EXTRA, array_record
from keras_textgen.data.shards.vocabulary import vocabulary_text
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.data.words import standardizer
from keras_textgen.prepare.folder import (
    check_source,
    collected,
    described,
    is_finished,
    join_arrays,
    remove_parts,
    work_folder,
)
from keras_textgen.prepare.pieces import Unit, find_files, plan_units
from keras_textgen.prepare.settings import (
    CellSettings,
    PrepareSettings,
    settings_of,
)
from keras_textgen.prepare.stages import (
    Job,
    labels_part,
    lengths_part,
    sentences_part,
    shard_file,
)
from keras_textgen.prepare.work_files import read_facts

# Subwords are trained on about so many bytes.
_SAMPLED_BYTES = 32 << 20


def prepare_corpus(
    input: str | os.PathLike,
    output: str | os.PathLike,
    *,
    beam_options: Sequence[str] = (),
    **settings: Any,
) -> PreparedCorpus | PreparedMatrix:
    """Prepares a corpus that may be larger than memory.

    Texts are read, split by a hash of them, and written as token ids in
    shards, by Apache Beam; so are tables of the cells of a matrix, by a hash of
    the ids of row and column, as arrays. docs/big_data.md has the layout. The
    same input and settings give the same bytes, whatever the runner. `output`
    appears when all is done.

    Args:
        input: a file, a folder or a pattern: texts, a line each, or tables.
        output: the folder to be made.
        beam_options: flags of Beam, such as
            `["--direct_num_workers=2", "--runner=FlinkRunner"]`.
        **settings: those of `PrepareSettings`; or those of `CellSettings`, of
            which one that texts do not have says that cells are meant.

    Returns:
        The corpus or the matrix, opened. One that was prepared before with the
        same settings of the same files is not prepared again.

    Raises:
        DataError: files cannot be used, too many records cannot, or `output`
            is something else.
        ValueError: a setting is not allowed.
    """
    asked = settings_of(os.fspath(input), settings)
    folder = pathlib.Path(output)
    is_of_cells = isinstance(asked, CellSettings)
    paths = find_files(asked.input, has_texts=not is_of_cells)
    source = described(paths)
    if is_finished(folder, asked, source):
        return open_prepared(folder)
    if not is_of_cells:
        array_record("preparing a corpus")
    options = beam_settings(beam_options)
    with work_folder(folder) as work:
        if isinstance(asked, CellSettings):
            # It imports Beam.
            from keras_textgen.prepare.cells import prepare_cells

            prepare_cells(asked, paths, source, work, options)
        else:
            _prepare(asked, paths, source, work, options)
        os.replace(work, folder)
    return open_prepared(folder)


def beam_settings(flags: Sequence[str]) -> Any:
    """Options of Beam.

    Args:
        flags: as Beam's command line takes them.

    Raises:
        DataError: Beam is not installed.
        ValueError: Beam knows no such option.
    """
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
    check_source(settings, paths, source)
    remove_parts(work, manifest)
    write_atomically(work / MANIFEST, manifest.text)


def _sampled_share(settings: PrepareSettings, source: dict[str, Any]) -> float:
    if settings.tokenizer != "subword":
        return 0.0
    return min(1.0, _SAMPLED_BYTES / max(1, source["bytes"]))


def _counted(
    job: Job, units: Sequence[Unit]
) -> tuple[int, tuple[str, ...], list[str]]:
    """Number of bad records, names of labels, and the sample of texts."""
    facts = read_facts(job.folder, "counted", len(units))
    count, found = collected(job.folder, facts, job.settings.max_bad)
    sample = [text for each in found for text in each["sample"]]
    labels = {label for each in found for label in each["labels"]}
    names = sorted_names(labels)
    if job.settings.label_column is not None:
        check_names(names, pathlib.Path(job.settings.input))
    return count, names, sample


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
            join_arrays(job.folder / name, [part(path) for path, _ in paths])
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


def _check_splits(settings: PrepareSettings, manifest: Manifest) -> None:
    for split, counts in manifest.counts.items():
        if not counts.texts:
            raise DataError(
                f"{settings.input}: no text is left for {split}; allowed: "
                "more texts, or larger shares of valid and test"
            )
