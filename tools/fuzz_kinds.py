"""The inputs that `tools/fuzz.py` damages, whole, and how they are read."""

import gzip
import importlib.util
import io
import json
import operator
import pathlib
import random
import tarfile
import types
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import fuzz_prepared
from fuzz_damage import changed, damaged

from keras_textgen.cli.recipes import find_recipes
from keras_textgen.cli.settings import parse
from keras_textgen.data.corpus import SPLITS
from keras_textgen.data.readers.word_vectors import read_word_vectors
from keras_textgen.data.shards.corpus import open_prepared
from keras_textgen.data.shards.manifest import MANIFEST, File, sealed
from keras_textgen.data.shards.matrix import PreparedMatrix
from keras_textgen.data.shards.split import PreparedSplit
from keras_textgen.tasks.data import check_input, read_data

# What somebody may have changed who then wrote the checksums anew.
_CHANGED = {
    "matrix": ("rows.json", "train.rows.npy", "train.values.npy"),
    "corpus": (
        "train.lengths.npy",
        "train.labels.npy",
        "train-00000.array_record",
    ),
}
_LINES = [f"a rose {n} is a rose by the sea" for n in range(40)]


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
      name: for the report.
      file: its name.
      content: of the whole file.
      read: reads it, given its path.
      beside: the contents of other files of its folder, by name.
      damage: what is done to the content, by a hand.
    """

    name: str
    file: str
    content: bytes
    read: Callable[[pathlib.Path], Any]
    beside: Mapping[str, bytes] = types.MappingProxyType({})
    damage: Callable[[bytes, random.Random], bytes] = damaged


def written(kind: Kind, folder: pathlib.Path) -> pathlib.Path:
    """The file of a kind, whole, with what is beside it.

    Args:
      kind: of input.
      folder: in which it has one of its own.
    """
    path = folder / kind.name / kind.file
    path.parent.mkdir(exist_ok=True)
    for name, content in {**kind.beside, kind.file: kind.content}.items():
        (path.parent / name).write_bytes(content)
    return path


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
        *_prepared_kinds("matrix", fuzz_prepared.matrix_files()),
        *_corpus_kinds(),
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


# -- What is prepared ----------------------------------------------------------


def _prepared_kinds(what: str, files: Mapping[str, bytes]) -> list[Kind]:
    """A manifest and other files of a folder, damaged or changed on purpose."""
    shown = (MANIFEST, f"changed {MANIFEST}", *_CHANGED[what])
    found = []
    for each in shown:
        name = each.removeprefix("changed ")
        found.append(
            Kind(
                f"{what}: {each}",
                name,
                files[name],
                _open if name == MANIFEST else open_listed,
                {other: files[other] for other in files if other != name},
                changed if each != name else damaged,
            )
        )
    return found


def open_listed(path: pathlib.Path) -> None:
    """Opens a folder after the manifest was given what its file is now."""
    manifest = path.parent / MANIFEST
    fields = json.loads(manifest.read_text("utf-8"))
    now = File.of(path)
    for each in (*fields["files"], *fields.get("shards", {}).get("train", ())):
        if each["name"] == path.name:
            each |= {"bytes": now.bytes, "sha256": now.sha256}
    manifest.write_text(sealed(fields), "utf-8")
    _open(path)


def _open(path: pathlib.Path) -> None:
    """Reads all that a run on the folder reads before its model is made."""
    corpus = open_prepared(path.parent)
    corpus.verify()
    names = ["summary", "fingerprint", "remarks"]
    if isinstance(corpus, PreparedMatrix):
        parts = ("starts", "rows", "columns", "values", "mean")
        names += ["row_names", "column_names"]
    else:
        parts = ("lengths", "labels", "counts")
        names += ["size_text", "text_sizes"]
    operator.attrgetter(*names)(corpus)
    for split in map(vars(corpus).get, SPLITS):
        operator.attrgetter(*parts)(split)
        if isinstance(split, PreparedSplit):
            split.ids_of(range(len(split)))


def _corpus_kinds() -> list[Kind]:
    """Of texts; none without the package that reads their shards."""
    if importlib.util.find_spec("array_record") is None:
        return []
    return _prepared_kinds("corpus", fuzz_prepared.corpus_files())


# -- Matrices and archives -----------------------------------------------------


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
