"""The same rows give the same corpus in every format, file, folder or pipe."""

import builtins
import gzip
import json
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

from keras_textgen.data.corpus import SPLITS, DataError, read_corpus
from keras_textgen.data.formats import json_lines as json_lines_module
from keras_textgen.data.formats import streams
from keras_textgen.data.formats.columns import OTHER_NAMES, Wanted, find_column
from keras_textgen.data.formats.streams import Source
from keras_textgen.data.formats.table import FORMATS, Table, opened_table
from tests.data.formats.rows import (
    COLUMNS,
    REVIEWS,
    WRITERS,
    Piped,
    delimited,
    json_lines,
)

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def pipe(monkeypatch):
    return lambda content: monkeypatch.setattr(sys, "stdin", Piped(content))


def in_order(data_dir, **asked):
    """Texts and labels of a corpus, whatever its splits."""
    corpus = read_corpus("text", "documents", data_dir=data_dir, **asked)
    return sorted(
        (text, corpus.label_names[label])
        for split in SPLITS
        for text, label in zip(
            getattr(corpus, split), corpus.labels[split], strict=True
        )
    )


def ratings_in_order(data_dir, **asked):
    corpus = read_corpus("ratings", "matrices", data_dir=data_dir, **asked)
    return sorted(
        (corpus.row_names[row], corpus.column_names[column], float(value))
        for split in SPLITS
        for row, column, value in zip(
            *vars(getattr(corpus, split)).values(), strict=True
        )
    )


TEXTS = sorted((row["text"], str(int(row["rating"]))) for row in REVIEWS)
CELLS = sorted((row["user"], row["item"], row["rating"]) for row in REVIEWS)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_has_the_same_rows(tmp_path, name, pipe):
    path = tmp_path / name
    path.write_bytes(WRITERS[name](REVIEWS))
    assert in_order(path) == TEXTS
    assert ratings_in_order(path) == CELLS
    # A pipe has no name, and some kinds do not tell themselves.
    pipe(path.read_bytes())
    assert in_order("-", text_column="text") == TEXTS
    pipe(path.read_bytes())
    assert ratings_in_order("-") == CELLS
    expected = read_corpus(
        "text", "documents", data_dir=write(tmp_path / "x.csv"), seed=3
    )
    pipe(path.read_bytes())
    found = read_corpus(
        "text", "texts", data_dir="-", seed=3, text_column="text"
    )
    assert found.fingerprint == expected.fingerprint


def write(path, rows=REVIEWS, writer=delimited):
    path.write_bytes(writer(rows))
    return path


def test_every_format_is_tried():
    tried = {Source(pathlib.Path(name)).suffix for name in WRITERS}
    assert all(set(each.suffixes) & tried for each in FORMATS)


def test_shards_of_several_formats(tmp_path):
    write(tmp_path / "part-0.csv", REVIEWS[:5])
    write(tmp_path / "part-1.jsonl", REVIEWS[5:], json_lines)
    (tmp_path / ".hidden.csv").write_text("no\n")
    (tmp_path / "notes.md").write_text("no table\n")
    for data_dir in (tmp_path, tmp_path / "part-*", f"{tmp_path}/*.*v*"):
        if str(data_dir).endswith("*v*"):
            write(tmp_path / "part-2.csv", REVIEWS[5:])
            (tmp_path / "part-1.jsonl").unlink()
        assert in_order(data_dir) == TEXTS
        assert ratings_in_order(data_dir) == CELLS
    with pytest.raises(DataError, match=r"x\*: no file fits; allowed: a tabl"):
        ratings_in_order(tmp_path / "x*")


def test_a_row_of_a_later_file_is_named(tmp_path):
    write(tmp_path / "a.csv", REVIEWS[:5])
    bad = [*REVIEWS[5:7], REVIEWS[8] | {"rating": "good"}]
    later = write(tmp_path / "b.csv", bad, lambda rows: delimited(rows))
    # Texts of two lines: the third record begins in the sixth.
    with pytest.raises(DataError, match=f"^{later}:6: value 'good'; allowed"):
        ratings_in_order(tmp_path)
    write(tmp_path / "b.csv", [REVIEWS[0]])
    with pytest.raises(
        DataError, match=rf"^{later}:2: u0, f0 \(line 2, first 2\) is there alr"
    ):
        ratings_in_order(tmp_path)


def test_rows_of_parquet_are_named_by_number(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(WRITERS["a.parquet"]([*REVIEWS, REVIEWS[3]]))
    with pytest.raises(
        DataError, match=rf"^{path}: row 13: u3, f1 \(row 13, first 4\) is the"
    ):
        ratings_in_order(path)
    path.write_bytes(WRITERS["a.parquet"]([*REVIEWS, {"user": None}]))
    with pytest.raises(DataError, match=f"^{path}: row 13: user is missing; a"):
        ratings_in_order(path)
    with pytest.raises(DataError, match=f"^{path}: no column 'who'; there are"):
        in_order(path, text_column="who")


def test_only_columns_that_are_asked_for_are_read(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(WRITERS["a.parquet"](REVIEWS))
    parquet = pytest.importorskip("pyarrow.parquet")
    asked = []
    read = parquet.ParquetFile.iter_batches
    monkeypatch.setattr(
        parquet.ParquetFile,
        "iter_batches",
        lambda self, size, columns: (
            asked.append(columns) or read(self, size, columns=columns)
        ),
    )
    ratings_in_order(path)
    assert asked == [["user", "item", "rating"]]


# -- Names of columns ----------------------------------------------------------


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_of_columns(name):
    def place(*columns):
        table = Table("t", columns, lambda places: iter(()))
        return find_column(table, Wanted(name, "flag", list), ())

    first, second, *_ = OTHER_NAMES[name]
    assert place("x", second) == 1
    assert place(second, first) == 1
    assert place(first, name) == 1
    with pytest.raises(DataError, match=f"no column '{name}'; there are x; al"):
        place("x")
    with pytest.raises(DataError, match=f"2 columns '{name}'; allowed: one"):
        place(name, name)


def test_names_are_given(tmp_path):
    path = tmp_path / "a.csv"
    renamed = delimited(REVIEWS).replace(b"user,item,rating,text", b"a,b,c,d")
    path.write_bytes(renamed)
    assert in_order(path, text_column="d", label_column="c") == TEXTS
    assert ratings_in_order(path, fields=("a", "b", "c")) == CELLS
    with pytest.raises(
        DataError,
        match=f"^{path}:1: no column 'text'; there are a, b, c, d, timestamp; "
        "allowed: one that is there, by --text_column",
    ):
        in_order(path)
    corpus = read_corpus(
        "text", "texts", data_dir=path, text_column="d", label_column="none"
    )
    assert corpus.labels == {}


# -- What is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', ":2: no JSON (Expecting"),
        ("a.jsonl", b'[{"text": "a"}]\n', ":1: list in the place of an obj"),
        ("a.jsonl", b"\n\n", ": the table has no rows; allowed: 1 or more"),
        ("a.jsonl", b'{"text": 3}\n', ":1: text is 3, of type int; allowed"),
        ("a.jsonl", b'{"text": "a", "label": null}\n', ":1: label is missing"),
        ("a.csv", b"", ":1: no column 'text'; there are none"),
        ("a.csv", b"text\n", ": no row with a text; allowed: 10 or more"),
        ("a.csv", b"text\n \n\n", ": no row with a text; allowed: 10 or mo"),
        ("a.csv", b"text\na\n", ": 1 sequence leaves nothing for validatio"),
        ("a.csv", b"text,label\na\n", ":2: 1 column; allowed: 2, as in t"),
        ("a.csv", b'text,label\n"a,b\n', ":2: unexpected end of data; allo"),
        ("a.csv", b"text\ncaf\xe9\n", ":2: invalid UTF-8 (byte 0xe9), 'é' in"),
        ("a.csv", b'text,label\r"a\nb",c\r', ":1: a carriage return within"),
        ("a.csv", b"t\0e\0x\0t\0", ":1: a zero byte, as binary files have"),
        ("a.csv.gz", b"text\na\n", ": the compressed file is damaged"),
        ("a.csv.gz", WRITERS["a.csv.gz"](REVIEWS)[:60], ": the compressed f"),
        ("a.parquet", b"PAR1text", ": damaged, or of another format ("),
        ("a.arrow", b"ARROW1text", ": damaged, or of another format ("),
        ("a.arrow", b"\xff\xff\xff\xff\x09", ": damaged, or of another form"),
    ],
)
def test_refused(tmp_path, name, content, message):
    if name.endswith((".parquet", ".arrow")):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=f"^{re.escape(f'{path}{message}')}"
    ) as e:
        read_corpus("text", "texts", data_dir=path)
    assert "\n" not in str(e.value)
    assert "; allowed: " in str(e.value)


def test_a_column_of_its_own_for_each(tmp_path):
    path = write(tmp_path / "a.csv")
    with pytest.raises(
        DataError,
        match=r"^.*a\.csv: column 'text' by --text_column and by "
        "--label_column; allowed: a column of its own for each$",
    ):
        read_corpus("text", "documents", data_dir=path, label_column="text")
    with pytest.raises(DataError, match="by --row_column and by --column_"):
        ratings_in_order(path, fields=("item", "item", "rating"))
    # Times may be values, too.
    fields = ("user", "item", "timestamp")
    found = ratings_in_order(path, fields=fields, time_column="timestamp")
    assert [value for *_, value in found] == [
        row["timestamp"]
        for row in sorted(REVIEWS, key=lambda row: (row["user"], row["item"]))
    ]


def test_a_cut_file_of_zstandard(tmp_path):
    path = tmp_path / "a.csv.zst"
    path.write_bytes(WRITERS["a.csv.zst"](REVIEWS)[:-9])
    with pytest.raises(DataError, match=f"^{path}: .*; allowed: a readable f"):
        in_order(path)


def test_without_pyarrow(tmp_path, monkeypatch):
    """CSV, TSV and JSON lines need none, and the others say what they need."""
    imported = builtins.__import__

    def refuse(name, *more):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return imported(name, *more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(streams, "_arrow", streams._arrow.__wrapped__)
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.csv.gz"):
        (tmp_path / name).write_bytes(WRITERS[name](REVIEWS))
        assert in_order(tmp_path / name) == TEXTS
    for name, start in (
        ("b.parquet", b"PAR1"),
        ("b.arrow", b"ARROW1"),
        ("b.csv.zst", b"\x28\xb5\x2f\xfd"),
    ):
        (tmp_path / name).write_bytes(start)
        with pytest.raises(
            DataError,
            match=r"needs pyarrow, which is not installed; allowed: pip "
            r"install 'keras-textgen\[tables\]', or a \.csv",
        ):
            in_order(tmp_path / name)


def test_nothing_is_piped(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match=r"^standard input: nothing is piped; "):
        read_corpus("text", "texts", data_dir="-")


def test_no_tensorflow(tmp_path):
    path = write(tmp_path / "a.csv", REVIEWS * 2)
    code = (
        "import sys\n"
        "from keras_textgen.data.corpus import DataError, read_corpus\n"
        "read_corpus('text', 'texts', data_dir=sys.argv[1])\n"
        "try:\n"
        "    read_corpus('ratings', 'matrices', data_dir=sys.argv[1])\n"
        "except DataError as error:\n"
        "    assert 'there already' in str(error), error\n"
        "assert not {'tensorflow', 'keras', 'pyarrow'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True, cwd=ROOT)


# -- Formats as such -----------------------------------------------------------


def test_keys_that_some_rows_lack(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"b": 1}, {"a": "x", "b": 2}]
    path.write_text("\n".join(map(json.dumps, rows)))
    with opened_table(Source(path)) as table:
        assert table.columns == ("b", "a")
        assert list(table.rows([1, 0])) == [(1, [None, 1]), (2, ["x", 2])]


def test_keys_that_show_late(tmp_path, monkeypatch):
    """They are read, whether a column has to be there or may be."""
    rows = [{"title": "no"}] * 10_001
    rows += [{"text": f"a {i}", "label": i % 2, "n": 2**70} for i in range(20)]
    path = write(tmp_path / "a.jsonl", rows, json_lines)
    corpus = read_corpus("text", "documents", data_dir=path)
    assert corpus.remarks[0].startswith(f"{path}:1: 10,001 rows without words")
    assert in_order(path) == sorted((f"a {i}", str(i % 2)) for i in range(20))
    monkeypatch.setattr(json_lines_module, "_LOOKED_AT", 2)
    rows = [{"text": "\u00e9"}] * 3 + [{"label": "x", "text": "b"}]
    path = write(
        tmp_path / "a.jsonl.gz", rows, lambda x: gzip.compress(json_lines(x))
    )
    with pytest.raises(DataError, match=r"a.jsonl.gz:1: label is missing; al"):
        in_order(path)
    with pytest.raises(DataError, match=r":1: no column 'user'; there are tex"):
        ratings_in_order(path)
    late = [{"when": i} for i in range(3)]
    content = json_lines([*late, *REVIEWS])
    assert len(content.splitlines()) == 15
    path.write_bytes(gzip.compress(content))
    assert in_order(path) == TEXTS
    with pytest.raises(DataError, match=r":1: user is missing; allowed: an id"):
        ratings_in_order(path)


def test_a_cut_stream_of_arrow(tmp_path):
    """Cut between two batches, pyarrow would take the rest for the whole."""
    whole = WRITERS["stream.arrow"](REVIEWS)
    mark = b"\xff\xff\xff\xff\0\0\0\0"
    assert whole.endswith(mark)
    path = tmp_path / "a.arrow"
    for cut in (len(mark), 4, len(mark) + 4, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        with pytest.raises(DataError, match=f"^{path}: .*; allowed: ") as e:
            in_order(path)
        assert "\n" not in str(e.value)
    path.write_bytes(whole[: -len(mark)])
    with pytest.raises(DataError, match="the stream ends without its mark"):
        ratings_in_order(path)


def test_times_finer_than_those_of_python(tmp_path):
    """Nanoseconds order rows, in Parquet and in text."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    late_first = [2**60 + 20 - i for i in range(20)]
    columns = {"text": [f"t{i}" for i in range(20)]}
    expected = [f"t{i}" for i in range(20)][3::-1]
    for zone in (None, "Europe/Berlin"):
        times = pa.array(late_first, pa.timestamp("ns", zone))
        path = tmp_path / "a.parquet"
        parquet.write_table(pa.table(columns | {"when": times}), path)
        corpus = read_corpus("text", "texts", data_dir=path, time_column="when")
        assert sorted(corpus.valid + corpus.test) == sorted(expected)
    path = tmp_path / "a.csv"
    lines = [f"t{i},{time}" for i, time in enumerate(late_first)]
    path.write_text("\n".join(["text,when", *lines]))
    corpus = read_corpus("text", "texts", data_dir=path, time_column="when")
    assert corpus.test == ["t0", "t1"]


# -- First lines that name columns or not --------------------------------------


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.tsv", "\t")])
def test_numbers_as_names(tmp_path, name, mark):
    """As pandas writes a frame without names, and years."""
    path = tmp_path / name
    rows = [mark.join((f"u{i % 4}", f"f{i}", "3")) for i in range(20)]
    for header in (["0", "1", "2"], ["2019", "2020", "2021"], ["7", "x", "y"]):
        path.write_text("\n".join([mark.join(header), *rows]))
        user, item, stars = header
        assert ratings_in_order(path, fields=(user, item, stars)) == sorted(
            (f"u{i % 4}", f"f{i}", 3.0) for i in range(20)
        )
        corpus = read_corpus(
            "text", "texts", data_dir=path, text_column=item, label_column=user
        )
        assert corpus.label_names == ("u0", "u1", "u2", "u3")
        found = corpus.train + corpus.valid + corpus.test
        assert sorted(found) == sorted(f"f{i}" for i in range(20))
    # Names that nobody has asked for are refused as such.
    path.write_text("\n".join([mark.join("012"), *rows]))
    with pytest.raises(DataError) as error:
        ratings_in_order(path)
    assert str(error.value).startswith(
        f"{path}:1: no column 'user'; there are 0, 1, 2; allowed: one that is "
        "there, by --row_column"
    )
    path.write_text("\n".join([mark.join("342"), *rows]))
    with pytest.raises(DataError, match="numbers are no names: the first line"):
        ratings_in_order(path)


def test_texts_beside_numbers_as_names(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{i},a rose {i}" for i in range(20)]
    path.write_text("\n".join(["7,text", *rows]))
    corpus = read_corpus("text", "texts", data_dir=path)
    assert sorted(corpus.train + corpus.valid + corpus.test) == sorted(
        f"a rose {i}" for i in range(20)
    )
    path.write_text("\n".join(["0,1", *rows]))
    with pytest.raises(DataError, match="'text'; there are 0, 1; allowed: one"):
        read_corpus("text", "texts", data_dir=path)


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_piped_table_with_a_column_of_texts(tmp_path, mark, pipe):
    """Known by its first line, without --text_column."""
    path = write(tmp_path / "a.csv", writer=lambda x: delimited(x, mark))
    whole = read_corpus("text", "documents", data_dir=path)
    pipe(path.read_bytes())
    piped = read_corpus("text", "documents", data_dir="-")
    assert piped.fingerprint == whole.fingerprint
    assert "texts from column 'text' and labels from" in piped.remarks[-1]
    other = tmp_path / "reviews"
    other.write_bytes(path.read_bytes())
    found = read_corpus("text", "documents", data_dir=other)
    assert found.fingerprint == whole.fingerprint
    # A text that begins otherwise is lines, commas or none.
    lines = [f"the text, {i}" for i in range(20)]
    for content in (lines, ["texts", *lines], ['"text', *lines]):
        pipe("\n".join(content).encode())
        corpus = read_corpus("text", "texts", data_dir="-")
        found = corpus.train + corpus.valid + corpus.test
        assert sorted(found) == sorted(content)


def test_a_piped_column_of_texts(pipe):
    pipe("\n".join(["review", *map("a rose {}".format, range(20))]).encode())
    corpus = read_corpus("text", "texts", data_dir="-")
    assert "review" not in corpus.train + corpus.valid + corpus.test
    assert len(corpus.train) == 16


def test_single_quotes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("'a','b'\n'one, two','it''s'\n")
    with opened_table(Source(path)) as table:
        assert table.columns == ("a", "b")
        assert [row for _, row in table.rows([1, 0])] == [["it's", "one, two"]]


def test_columns_of_all_formats(tmp_path):
    for name, writer in WRITERS.items():
        path = tmp_path / name
        path.write_bytes(writer(REVIEWS))
        with opened_table(Source(path)) as table:
            assert table.columns == COLUMNS
            found = [values for _, values in table.rows([4, 3])]
        times, texts = zip(*found, strict=True)
        assert texts == tuple(row["text"] for row in REVIEWS)
        np.testing.assert_array_equal(
            np.array(times, int), [row["timestamp"] for row in REVIEWS]
        )
