"""Disks that `tools/faults.py` mounts: small ones, and one that hangs."""

import contextlib
import functools
import pathlib
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

# Where a run writes, and what draws its size.
Disk = Callable[
    [pathlib.Path, random.Random], contextlib.AbstractContextManager[None]
]
_LARGE = 50_000_000


def of_size(least: int, most: int) -> Disk:
    """A disk in memory, of so many bytes."""

    @contextlib.contextmanager
    def disk(place: pathlib.Path, hand: random.Random) -> Iterator[None]:
        size = f"size={hand.randint(least, most)}"
        with _mounted(place, "-t", "tmpfs", "-o", size, "tmpfs"):
            yield

    return disk


def large() -> Disk:
    """A disk on which every run has room."""
    return of_size(_LARGE, _LARGE)


@contextlib.contextmanager
def in_a_file(place: pathlib.Path, hand: random.Random) -> Iterator[None]:
    """A disk that can be made to hang."""
    del hand
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(_LARGE)
        _run("mkfs.ext4", "-q", "-F", image.name)
        with _mounted(place, "-o", "loop", image.name):
            yield


def hang(place: pathlib.Path, seconds: float) -> None:
    """Lets everything that writes to a disk wait for so long."""
    _run("fsfreeze", "--freeze", str(place))
    try:
        time.sleep(seconds)
    finally:
        _run("fsfreeze", "--unfreeze", str(place))


def grow(place: pathlib.Path) -> None:
    """Makes a small disk a large one."""
    remount(place, f"size={_LARGE}")


def remount(place: pathlib.Path, options: str) -> None:
    """Changes how a disk is mounted."""
    _run("mount", "-o", f"remount,{options}", str(place))


@functools.cache
def no_mount() -> str:
    """Why no disk can be mounted."""
    return _reason(large(), lambda place: None)


@functools.cache
def no_hanging() -> str:
    """Why no disk can be made to hang."""
    return _reason(in_a_file, lambda place: hang(place, 0.0))


def _reason(disk: Disk, use: Callable[[pathlib.Path], None]) -> str:
    place = pathlib.Path(tempfile.mkdtemp())
    try:
        with disk(place, random.Random(0)):
            use(place)
        return ""
    except (OSError, subprocess.CalledProcessError):
        return "no such disk may be mounted here"
    finally:
        place.rmdir()


@contextlib.contextmanager
def _mounted(place: pathlib.Path, *what: str) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    _run("mount", *what, str(place))
    try:
        yield
    finally:
        _run("umount", str(place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
