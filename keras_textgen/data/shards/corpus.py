"""A prepared corpus: three splits in shards, and what the manifest says.

Free of TensorFlow, but for the vocabulary, which is made when it is asked for.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
from typing import Any

from keras_textgen.checks import counted
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.shards.manifest import (
    MANIFEST,
    VOCABULARY,
    CellManifest,
    Manifest,
    check_content,
    read_manifest,
)
from keras_textgen.data.shards.matrix import PreparedMatrix, matrix_in
from keras_textgen.data.shards.prepared import Prepared, left_out
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.data.text_size import TextSize


@dataclasses.dataclass
class PreparedCorpus(Prepared[Manifest]):
    """A corpus in shards, larger than memory.

    Each split is a `PreparedSplit`, which `fit` and `evaluate` of a model take.

    Attributes:
        folder: with the shards.
        manifest: what is known of them.
    """

    @functools.cached_property
    def vocabulary(self) -> Any:
        """The vocabulary of the corpus, for its models."""
        # It imports TensorFlow.
        from keras_textgen.data.shards.vocabulary import read_vocabulary

        check_content(self.folder, self.manifest.file(VOCABULARY))
        found = read_vocabulary(self.folder)
        if found.size != self.manifest.vocabulary_size:
            raise DataError(
                f"{self.folder / VOCABULARY}: {found.size:,} ids; allowed: "
                f"{self.manifest.vocabulary_size:,}, as in {MANIFEST}"
            )
        return found

    @property
    def text_sizes(self) -> dict[str, TextSize]:
        """By split, the length of the texts as they were read."""
        return {
            split: TextSize(each.texts, each.words, each.bytes)
            for split, each in self.manifest.counts.items()
        }

    @property
    def size_text(self) -> str:
        """The size of the training set, in words."""
        manifest = self.manifest
        return (
            f"{counted(manifest.vocabulary_size, manifest.unit)}, "
            f"{counted(manifest.counts['train'].texts, 'training text')} in "
            f"{counted(len(manifest.shards['train']), 'shard')}"
        )

    @property
    def summary(self) -> str:
        """What the folder holds, such as "texts 90 of train, ..."."""
        counts = self.manifest.counts
        listed = (f"{each.texts:,} of {name}" for name, each in counts.items())
        return (
            f"texts {', '.join(listed)}; "
            f"{counted(self.manifest.vocabulary_size, self.manifest.unit)}"
        )


def open_prepared(
    folder: str | os.PathLike,
) -> PreparedCorpus | PreparedMatrix:
    """Opens a corpus that `python -m keras_textgen.prepare` has written.

    Nothing is read but the manifest; sizes of files are compared.

    Args:
        folder: the `--output` of it.

    Returns:
        The corpus: `train`, `valid` and `test` go into `fit` and `evaluate`,
        and `vocabulary` into a model. Or the matrix, if tables of cells were
        prepared: `DualMatrixFactorization.from_prepared` makes its model.

    Raises:
        DataError: it is not finished, or damaged, or array_record is not
            installed.

    Example:
        >>> open_prepared("nowhere")
        Traceback (most recent call last):
        keras_textgen.data.corpus.DataError: nowhere: no manifest.json; \
allowed: a folder that python -m keras_textgen.prepare has finished
    """
    folder = pathlib.Path(folder)
    manifest = read_manifest(folder)
    if isinstance(manifest, CellManifest):
        return matrix_in(folder, manifest)
    splits = {name: PreparedSplit(folder, manifest, name) for name in SPLITS}
    labels = {
        name: split.labels
        for name, split in splits.items()
        if split.labels is not None
    }
    return PreparedCorpus.of_splits(
        folder.resolve().name,
        splits,
        labels=labels,
        label_names=manifest.label_names,
        remarks=left_out(manifest, "corpus"),
        dropped={
            split: each.too_long for split, each in manifest.counts.items()
        },
        folder=folder,
        manifest=manifest,
    )
