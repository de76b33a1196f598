"""Gives readers damaged files, and holds them to one line of refusal.

Small whole files of every format that the program reads are damaged by a seeded
hand: bits are flipped, pieces are cut out, doubled, moved, or overwritten by
what readers trip over. Each is then read as the program reads it before it
imports TensorFlow. It is read, or refused by one line; a traceback, a line
break in the message, or more than ten seconds is a fault.

    python tools/fuzz.py --inputs=1000 --seed=0
"""

import argparse
import collections
import gzip
import io
import json
import pathlib
import random
import resource
import signal
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import RunError, parse
from keras_textgen.data.readers.word_vectors import read_word_vectors
from keras_textgen.tasks.data import DataError, check_input, read_data

SECONDS = 10
# Of all that is read; the files have some kB.
MOST_MEGABYTES = 1500
_LINES = [f"a rose {n} is a rose by the sea" for n in range(40)]
_NASTY = (
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b'"',
    b"'",
    b"\t\t",
    b"\r",
    b"\n\n\n",
    b",,,,",
    b"{}",
    b"[" * 2000,
    b"1e999",
    b"NaN",
    b"-1",
    b"99999999999999999999",
    b"%s%n",
    b"../../etc/passwd",
    b"\x1b[31m",
    b"\xe2\x80\xae",
    b"\x85\xe2\x80\xa8",
)


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
      name: for the report.
      file: its name.
      content: of the whole file.
      read: reads it, given its path.
    """

    name: str
    file: str
    content: bytes
    read: Callable[[pathlib.Path], Any]


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
    faults = 0
    start = time.monotonic()
    for name, outcome, fault in fuzz(options.inputs, options.seed):
        outcomes[name, outcome] += 1
        if fault:
            faults += 1
            print(fault)
    names = sorted({name for name, _ in outcomes})
    print(f"{'input':24}{'read':>8}{'refused':>10}{'faults':>8}")
    for name in names:
        counts = [outcomes[name, each] for each in ("read", "refused", "fault")]
        print(f"{name:24}{counts[0]:8}{counts[1]:10}{counts[2]:8}")
    print(
        f"{options.inputs} inputs, seed {options.seed}, "
        f"{time.monotonic() - start:.0f} s, {faults} faults, peak memory "
        f"{_peak_megabytes():.0f} MB"
    )
    return 1 if faults or _peak_megabytes() > MOST_MEGABYTES else 0


def fuzz(inputs: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Read so many damaged files.

    Args:
      inputs: how many.
      seed: of the damages.

    Yields:
      The kind of the input, "read", "refused" or "fault", and what is wrong.
    """
    signal.signal(signal.SIGALRM, _too_long)
    every = kinds()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(inputs):
            kind = every[number % len(every)]
            hand = random.Random(f"{seed} {number}")
            path = pathlib.Path(folder, kind.file)
            path.write_bytes(damaged(kind.content, hand))
            outcome, fault = _outcome(kind, path)
            if fault:
                fault = f"{kind.name}, input {number} of seed {seed}: {fault}"
            yield kind.name, outcome, fault


def damaged(content: bytes, hand: random.Random) -> bytes:
    """A file with one to four damages.

    Example:
    >>> damaged(b"a rose", random.Random(1)) != b"a rose"
    True
    """
    data = bytearray(content)
    for _ in range(hand.randint(1, 4)):
        start = hand.randrange(len(data) + 1)
        end = min(len(data), start + hand.randint(1, 40))
        piece = bytes(data[start:end])
        kind = hand.randrange(7)
        if kind == 0 and piece:
            data[start] ^= 1 << hand.randrange(8)
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = piece * hand.randint(1, 30)
        elif kind == 3:
            data[start:start] = hand.choice(_NASTY)
        elif kind == 4:
            del data[start:]
        elif kind == 5:
            data[start:end] = hand.randbytes(end - start)
        else:
            data += piece
    return bytes(data)


def _outcome(kind: Kind, path: pathlib.Path) -> tuple[str, str]:
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind.read(path)
    except (DataError, RunError) as error:
        text = str(error)
        if len(text.splitlines()) != 1:
            return "fault", f"not one line: {text!r}"
        return "refused", ""
    except TimeoutError:
        return "fault", f"more than {SECONDS} s"
    except Exception:
        return "fault", traceback.format_exc()
    finally:
        signal.alarm(0)
    return "read", ""


def _too_long(signal_number: int, frame: Any) -> None:
    del signal_number, frame
    raise TimeoutError


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- What is damaged ----------------------------------------------------------


def kinds() -> list[Kind]:
    """Every kind of input, whole."""
    text = "\n".join(_LINES).encode()
    labeled = "\n".join(f"{'ab'[n % 2]}\t{x}" for n, x in enumerate(_LINES))
    csv = "label,text\n" + "\n".join(
        f'{"ab"[n % 2]},"{line}, it is"' for n, line in enumerate(_LINES)
    )
    objects = "\n".join(
        json.dumps({"text": line, "label": n % 2, "when": 1000 + n})
        for n, line in enumerate(_LINES)
    )
    ratings = "user,item,rating,timestamp\n" + "\n".join(
        f"u{u},i{i},{(u * i) % 5 + 1},{1000 * u + i}"
        for u in range(8)
        for i in range(8)
    )
    return [
        Kind("lines", "a.txt", text, _corpus("lstm_lm", "text")),
        Kind("packed lines", "a.txt.gz", _packed(text), _corpus("vae", "text")),
        Kind(
            "labeled lines", "a.txt", labeled.encode(), _corpus("han", "text")
        ),
        Kind("CSV", "a.csv", csv.encode(), _corpus("han", "text")),
        Kind("TSV", "a.tsv", labeled.encode(), _corpus("sae", "text")),
        Kind("JSON lines", "a.jsonl", objects.encode(), _corpus("sae", "text")),
        Kind(
            "JSON lines by time",
            "a.jsonl",
            objects.encode(),
            _corpus("vae", "text", "--time_column=when", "--split=time"),
        ),
        *_arrow_kinds(),
        Kind("ratings", "a.csv", ratings.encode(), _corpus("dmf", "ratings")),
        Kind(
            "ratings by time",
            "a.csv",
            ratings.encode(),
            _corpus("dmf", "ratings", "--split=leave_last_out"),
        ),
        Kind("matrix", "a.mtx", _matrix(), _corpus("dmf", "matrix")),
        Kind("matrix of SciPy", "a.npz", _npz(), _corpus("dmf", "matrix")),
        Kind("MovieLens 100K", "ml-100k.zip", _ml100k(), _archive("ml100k")),
        Kind("MovieLens", "ml-latest.zip", _movielens(), _archive("movielens")),
        Kind("newsgroups", "20news-bydate.tar.gz", _news(), _archive("20news")),
        Kind("reviews", "aclImdb_v1.tar.gz", _reviews(), _archive("imdb")),
        Kind("word vectors", "a.txt", _vectors(), _read_vectors),
        Kind("flags", "flags.txt", _flags(), _read_flags),
        Kind("input of a model", "a.jsonl", objects.encode(), _read_input),
    ]


def _parsed(*flags: str) -> Any:
    return parse(["trainer.py", *flags], find_recipes())


def _corpus(
    model: str, dataset: str, *more: str
) -> Callable[[pathlib.Path], Any]:
    def read(path: pathlib.Path) -> Any:
        given = [f"--model={model}", f"--dataset={dataset}", *more]
        return read_data(_parsed(*given, f"--data_dir={path}"))

    return read


def _archive(dataset: str) -> Callable[[pathlib.Path], Any]:
    models = {"20news": "han", "imdb": "han"}
    return _corpus(models.get(dataset, "dmf"), dataset)


def _read_vectors(path: pathlib.Path) -> Any:
    return read_word_vectors(str(path), ["", "<unk>", "<s>", "</s>", "w3"])


def _read_flags(path: pathlib.Path) -> Any:
    return _parsed(f"--flagfile={path}")


def _read_input(path: pathlib.Path) -> Any:
    given = ["--preset=han_sotu", "--mode=classify", f"--input={path}"]
    return check_input(_parsed(*given))


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _arrow_kinds() -> list[Kind]:
    try:
        import pyarrow
        import pyarrow.feather
        import pyarrow.parquet
    except ImportError:
        return []
    table = pyarrow.table(
        {"text": _LINES, "label": [n % 2 for n in range(len(_LINES))]}
    )
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(table, parquet)
    pyarrow.feather.write_feather(table, arrow)
    return [
        Kind(name, f"a.{suffix}", file.getvalue(), _corpus("han", "text"))
        for name, suffix, file in (
            ("Parquet", "parquet", parquet),
            ("Arrow", "arrow", arrow),
        )
    ]


def _matrix() -> bytes:
    cells = [(r, c) for r in range(1, 9) for c in range(1, 9) if (r + c) % 3]
    lines = [f"{r} {c} {r * c % 5 + 1}" for r, c in cells]
    head = "%%MatrixMarket matrix coordinate real general\n"
    return f"{head}8 8 {len(lines)}\n{chr(10).join(lines)}\n".encode()


def _npz() -> bytes:
    import scipy.sparse

    file = io.BytesIO()
    cells = [[(r * c) % 5 + 1.0 for c in range(8)] for r in range(8)]
    scipy.sparse.save_npz(file, scipy.sparse.csr_matrix(cells))
    return file.getvalue()


def _zipped(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tarred(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            data = content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def _ml100k() -> bytes:
    cells = [(u, i) for u in range(1, 10) for i in range(1, 10)]
    data = [f"{u}\t{i}\t{(u * i) % 5 + 1}\t{88000 + u}" for u, i in cells]
    users = [f"{u}|{20 + u}|M|writer|12345" for u in range(1, 10)]
    genres = "|".join(["0"] * 18 + ["1"])
    items = [
        f"{i}|Film {i} (1990)|01-Jan-1990||x|{genres}" for i in range(1, 10)
    ]
    members = {"u.data": data, "u.user": users, "u.item": items}
    for fold in range(1, 6):
        members[f"u{fold}.base"] = data[fold:]
        members[f"u{fold}.test"] = data[:fold]
    return _zipped(
        {f"ml-100k/{k}": "\n".join(v) + "\n" for k, v in members.items()}
    )


def _movielens() -> bytes:
    rows = [
        f"{u},{i},{(u * i) % 5 + 0.5},{1000 * u + i}"
        for u in range(1, 9)
        for i in range(1, 9)
    ]
    films = [f'{i},"Film, {i} (1990)",Drama|War' for i in range(1, 9)]
    return _zipped(
        {
            "ml-latest/ratings.csv": "userId,movieId,rating,timestamp\n"
            + "\n".join(rows),
            "ml-latest/movies.csv": "movieId,title,genres\n" + "\n".join(films),
        }
    )


def _news() -> bytes:
    members = {}
    for split in ("train", "test"):
        for group in ("sci.space", "rec.autos"):
            for n in range(12):
                name = f"20news-bydate-{split}/{group}/{n + 1}"
                members[name] = f"Subject: {group}\n\n{_LINES[n]}\n"
    return _tarred(members)


def _reviews() -> bytes:
    members = {}
    for split in ("train", "test"):
        for sentiment, rating in (("pos", 9), ("neg", 2)):
            for n in range(12):
                name = f"aclImdb/{split}/{sentiment}/{n}_{rating}.txt"
                members[name] = f"{_LINES[n]}<br />{sentiment}"
    return _tarred(members)


def _vectors() -> bytes:
    lines = [f"w{n} {0.5 * n} -1.25 3e-2" for n in range(30)]
    return ("30 3\n" + "\n".join(lines) + "\n").encode()


def _flags() -> bytes:
    lines: Sequence[str] = (
        "# What to run",
        "--model=vae",
        "--epochs=3",
        "--learning_rate=0.001",
        "--nolr_halve_on_plateau",
        "--kl_schedule=linear",
        "--kl_steps=100",
        "--max_length=default",
    )
    return "\n".join(lines).encode()


if __name__ == "__main__":
    raise SystemExit(main())
