"""What prepared corpora and prepared matrices have in common."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Generic, TypeVar

from keras_textgen.checks import counted
from keras_textgen.data.corpus import Corpus
from keras_textgen.data.shards.manifest import (
    CellManifest,
    Manifest,
    check_content,
)

_Manifest = TypeVar("_Manifest", Manifest, CellManifest)


@dataclasses.dataclass
class Prepared(Corpus, Generic[_Manifest]):
    """A folder that `python -m keras_textgen.prepare` has written.

    Attributes:
        folder: of the files.
        manifest: what is known of them.
    """

    _: dataclasses.KW_ONLY
    folder: pathlib.Path
    manifest: _Manifest

    @property
    def fingerprint(self) -> int:
        """As that of `Corpus`, of the checksums of all files."""
        return self.manifest.digest

    def verify(self) -> None:
        """Compares the checksum of every file, which reads all of them.

        Raises:
            DataError: a file is not what was written; of the first one.
        """
        for each in self.manifest.all_files:
            check_content(self.folder, each)


def left_out(manifest: Manifest | CellManifest, what: str) -> tuple[str, ...]:
    """What is to be said of records that could not be used.

    Args:
        manifest: of the folder.
        what: was prepared, such as "corpus".
    """
    if not manifest.bad:
        return ()
    return (
        f"Left out when the {what} was prepared: "
        f"{counted(manifest.bad, 'record')}, listed in its bad.jsonl.",
    )
