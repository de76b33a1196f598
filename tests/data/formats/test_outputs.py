"""Results in every format are read back by its own reader."""

import csv
import io
import json
import pathlib

import numpy as np
import pytest

from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.outputs import Column, opened_output

COLUMNS = [
    Column("text", is_input=True),
    Column("n", int),
    Column("code", float, ("1", "2")),
    Column("share_of", float, ("glad", "sad"), is_named=True),
]
ROWS = [
    {
        "text": 'a\t"rose", caf\u00e9',
        "n": 2,
        "code": [0.5, float(np.float32(0.1))],
        "share_of": [0.25, 0.75],
    },
    {"text": ""},
]


def written(tmp_path, suffix):
    path = tmp_path / f"rows{suffix}"
    with opened_output(path, COLUMNS) as write:
        for row in ROWS:
            write([row])
        assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    return path


@pytest.mark.parametrize(("suffix", "mark"), [(".csv", ","), (".tsv", "\t")])
def test_tables(tmp_path, suffix, mark):
    text = written(tmp_path, suffix).read_text("utf-8")
    first, second = csv.DictReader(io.StringIO(text), delimiter=mark)
    assert first == {
        "text": ROWS[0]["text"],
        "n": "2",
        "code_1": "0.5",
        "code_2": "0.1",
        "share_of_glad": "0.25",
        "share_of_sad": "0.75",
    }
    assert set(second.values()) == {""}


def test_json_lines(tmp_path):
    lines = written(tmp_path, ".jsonl").read_text("utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert first == {
        "text": ROWS[0]["text"],
        "n": 2,
        "code": [0.5, 0.1],
        "share_of": {"glad": 0.25, "sad": 0.75},
    }
    assert second == {"text": "", "n": None, "code": None, "share_of": None}


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow")
    first, second = parquet.read_table(
        written(tmp_path, ".parquet")
    ).to_pylist()
    assert first.pop("code") == pytest.approx([0.5, 0.1])
    assert first == {
        "text": ROWS[0]["text"],
        "n": 2,
        "share_of_glad": 0.25,
        "share_of_sad": 0.75,
    }
    assert second["text"] == ""
    assert second["code"] is None


def test_text_has_the_results_alone(tmp_path):
    text = written(tmp_path, ".txt").read_text("utf-8")
    assert text == "2\t0.5\t0.1\t0.25\t0.75\n\t\t\t\t\n"


def test_standard_output(capsys):
    for path in (None, "-", pathlib.Path("-")):
        with opened_output(path, [Column("text")]) as write:
            write([{"text": "a\nrose"}])
    assert capsys.readouterr().out == "a rose\n" * 3


def test_a_file_that_was_there_stays_when_it_fails(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("before")

    def rows():
        yield ROWS[1]
        raise ZeroDivisionError

    def fail():
        with opened_output(path, COLUMNS) as write:
            write(rows())

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "before"
    assert (tmp_path / "a.unfinished.csv").exists()


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "nowhere" / "a.csv"
    with (
        pytest.raises(DataError, match=r"a\.csv: cannot be written"),
        opened_output(path, COLUMNS),
    ):
        pass
