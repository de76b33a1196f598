"""Records that are read one by one."""

import io
import os
import sys

import pytest

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import checked_id, checked_text
from keras_textgen.data.formats.records import read_records

ROWS = [("a rose", "glad"), ("", "sad"), ("a thorn, red", "sad")]
EXPECTED = [("a rose",), None, ("a thorn, red",)]


def written(tmp_path, suffix):
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        arrow = pytest.importorskip("pyarrow", reason="no pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow")
        columns = {"text": [r[0] for r in ROWS], "mood": [r[1] for r in ROWS]}
        parquet.write_table(arrow.table(columns), path)
        return path
    texts = {
        ".csv": 'mood,text\nglad,a rose\nsad,\nsad,"a thorn, red"\n',
        ".jsonl": '{"text": "a rose"}\n{"text": ""}\n'
        '{"mood": "sad", "text": "a thorn, red"}\n',
        ".txt": "a rose\n\na thorn, red\n",
    }
    path.write_text(texts[suffix], "utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt", ".parquet"])
def test_every_format_gives_the_same(tmp_path, suffix):
    path = written(tmp_path, suffix)
    records = list(read_records(str(path), ["text"], checked_text))
    assert [record.values for record in records] == EXPECTED
    joint = ": row " if suffix == ".parquet" else ":"
    first = 2 if suffix == ".csv" else 1
    assert records[0].where == f"{path}{joint}{first}"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt", ".parquet"])
def test_standard_input_gives_the_same(tmp_path, monkeypatch, suffix):
    content = written(tmp_path, suffix).read_bytes()
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdin", stream)
    records = read_records(
        "-", ["text"], checked_text, is_table=suffix == ".csv"
    )
    assert [record.values for record in records] == EXPECTED


@pytest.mark.parametrize(
    ("first", "columns"),
    [("id,text", ["text"]), ('"text";"a"', ["text"]), ("a\tb", ["a", "b"])],
)
def test_a_table_on_standard_input_is_no_text(monkeypatch, first, columns):
    content = f"{first}\n1{first[-2]}rose\n".encode()
    for lines in (content, content.replace(b"\n", b"\r\n")):
        stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(lines)))
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(
            DataError,
            match="^standard input:1: it names columns, .*; allowed: lines of "
            f"text, or for a table --input_columns={','.join(columns)}$",
        ):
            list(read_records("-", columns, checked_text))


def test_a_line_is_there_before_the_next_one_comes(monkeypatch):
    source, target = os.pipe()
    with os.fdopen(source) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        os.write(target, b"a rose\n")
        records = read_records("-", ["text"], checked_text)
        assert next(records).values == ("a rose",)
        os.write(target, b"a thorn\n")
        assert next(records).values == ("a thorn",)
        os.close(target)
        assert next(records, None) is None


def test_several_columns_in_the_order_asked_for(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("item,stars,user\nAlien,5, 3 \n", "utf-8")
    records = read_records(str(path), ["user", "item"], checked_id)
    assert [record.values for record in records] == [("3", "Alien")]


def test_a_bad_value_is_named_by_its_line(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("user,item\nann,Alien\n,Diva\n", "utf-8")
    records = read_records(str(path), ["user", "item"], checked_id)
    assert next(records).values == ("ann", "Alien")
    with pytest.raises(DataError, match=r"ratings\.csv:3: user is missing"):
        next(records)
