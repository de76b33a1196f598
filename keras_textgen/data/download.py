"""Downloads of public corpora from their publishers, checked."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import pathlib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

from keras_textgen.checks import OneOf, counted, refused
from keras_textgen.data.corpus import DataError
from keras_textgen.datasets import DATASETS, Download

_PIECE = 2**20
_TIMEOUT = 60.0
# Of a file whose checksum nobody has published.
_OWN_HASH = "sha256"
_UNFINISHED = "unfinished"


def download(name: str, folder: str | os.PathLike) -> pathlib.Path:
    """Downloads a public corpus, unless it is there; prints its licence.

    Args:
        name: of the corpus.
        folder: where its archive goes; it is made if it is not there.

    Returns:
        The archive, as the readers take it.

    Raises:
        DataError: the publisher cannot be reached, or what it gives is not
            what was published; nothing of it is left in the folder then.
        ValueError: there is nothing to download of that corpus.

    Example:
        >>> download("yahoo", ".")
        Traceback (most recent call last):
        ValueError: download of dataset='yahoo'; allowed: ptb, imdb, 20news, \
ml100k, movielens
    """
    known = {
        each: row.download for each, row in DATASETS.items() if row.download
    }
    if name not in known:
        raise refused(f"download of dataset={name!r}", OneOf(tuple(known)))
    return fetch(known[name], folder)


def fetch(
    source: Download,
    folder: str | os.PathLike,
    say: Callable[[str], None] = print,
) -> pathlib.Path:
    """Downloads one file, see `download`.

    Args:
        source: what to get, and from where.
        folder: where it goes.
        say: is given the licence, and what is done, a line each.
    """
    path = pathlib.Path(folder) / source.file
    say(f"Licence of {source.file}: {source.licence}.")
    kind, _, expected = (source.checksum or f"{_OWN_HASH}:").partition(":")
    if path.is_file():
        _compare(_hash_of(path, kind), expected, kind, str(path))
        say(f"{path}: there already.")
        return path
    _make_folder(path.parent)
    say(f"{path}: from {source.address}.")
    with _unfinished(path) as unfinished:
        found = _receive(source.address, unfinished, kind)
        _compare(found, expected, kind, source.address)
        os.replace(unfinished, path)
    if not expected:
        say(
            f"{path}: no checksum is known to compare; this file has "
            f"{kind}:{found}."
        )
    return path


def _make_folder(folder: pathlib.Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror}; allowed: a folder to download to"
        ) from error


@contextlib.contextmanager
def _unfinished(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A hidden file beside the one to be, which never stays."""
    unfinished = path.with_name(f".{path.name}.{_UNFINISHED}")
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _receive(address: str, path: pathlib.Path, kind: str) -> str:
    """Writes what an address gives; returns its checksum."""
    digest = hashlib.new(kind, usedforsecurity=False)
    size = 0
    try:
        with (
            urllib.request.urlopen(address, timeout=_TIMEOUT) as answer,
            path.open("wb") as file,
        ):
            promised = answer.headers.get("Content-Length")
            while piece := answer.read(_PIECE):
                file.write(piece)
                digest.update(piece)
                size += len(piece)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{address}: cannot be downloaded ({reason}); allowed: a "
            f"connection to it, or the file, got elsewhere, in {path.parent}"
        ) from error
    if promised is not None and size != int(promised):
        raise DataError(
            f"{address}: {size:,} of {counted(int(promised), 'byte')} came; "
            "allowed: the same command again"
        )
    return digest.hexdigest()


def _hash_of(path: pathlib.Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(kind, usedforsecurity=False)
        ).hexdigest()


def _compare(found: str, expected: str, kind: str, where: str) -> None:
    if expected and found != expected:
        raise DataError(
            f"{where}: {kind}:{found}; allowed: {kind}:{expected}, as the "
            "corpus was published; another file of that name has to go"
        )
