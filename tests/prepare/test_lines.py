"""Labeled lines without names of columns, and what is said before Beam."""

import gzip
import json
import re
import subprocess
import sys

import pytest

from keras_textgen.data.corpus import DataError
from keras_textgen.data.labels import read_labeled_lines
from keras_textgen.prepare.pieces import find_files, plan_units
from keras_textgen.prepare.records import Record, check_input, records_of
from keras_textgen.prepare.settings import CellSettings, PrepareSettings

LINES = [f'{"good" if n % 3 else "bad"}\ttext {n} "of' for n in range(20)]


def read(path, unit_bytes=10**6, **settings):
    """The records of a file, and its bad ones by line."""
    bad = []
    asked = PrepareSettings(str(path), **settings)
    units = plan_units(find_files(path), unit_bytes)
    records = [each for u in units for each in records_of(u, asked, bad.append)]
    return records, [(each.row, each.reason) for each in bad]


def as_records(lines, labeled=True):
    halves = [line.split("\t") for line in lines]
    return [Record(text, label if labeled else None) for label, text in halves]


@pytest.mark.parametrize("name", ["a.tsv", "a.tab", "a.txt", "a.tsv.gz"])
def test_labeled_lines_are_read_as_trainer_reads_them(tmp_path, name):
    path = tmp_path / name
    content = ("\n".join(LINES) + "\n").encode()
    path.write_bytes(gzip.compress(content) if "gz" in name else content)
    records, bad = read(path, label_column="label")
    assert records == as_records(LINES)
    assert bad == []
    if "gz" not in name:
        there = read_labeled_lines([path])
        assert [each.text for each in records] == there.texts[0]
        assert [each.label for each in records] == there.labels[0]


def test_without_a_label_column_there_are_no_labels(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("\n".join(LINES))
    assert read(path)[0] == as_records(LINES, labeled=False)


def test_units_of_labeled_lines_hold_each_once(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(["class\tbody", *LINES]))
    for size in (10, 100, 10_000):
        records, bad = read(path, size, label_column="label")
        assert (records, bad) == (as_records(LINES), [])


@pytest.mark.parametrize(
    ("first", "is_heading"),
    [
        ("class\tbody", True),
        ("0\t1", True),
        ("genre\ttext", True),
        ("good\ta rose", False),
    ],
)
def test_a_first_line_that_names_columns_is_no_text(
    tmp_path, first, is_heading
):
    path = tmp_path / "a.txt"
    lines = [first, *LINES]
    path.write_text("\n".join(lines))
    records, _ = read(path, label_column="label")
    assert records == as_records(lines[is_heading:])
    assert len(read_labeled_lines([path]).texts[0]) == len(records)
    # A label that comes again is one.
    label = first.partition("\t")[0]
    path.write_text("\n".join([*lines, f"{label}\tmore 1"]))
    assert len(read(path, label_column="label")[0]) == (
        len(lines) + 1 - (first == "0\t1")
    )


def test_a_file_of_tabs_that_names_its_columns_is_a_table(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("stars\ttext\n5\ta rose\n")
    assert read(path, label_column="stars")[0] == [Record("a rose", "5")]
    assert read(path)[0] == [Record("a rose", None)]


def test_other_lines_are_bad_records(tmp_path):
    path = tmp_path / "a.tsv"
    wrong = ["no tab", "\tno label", "two\ta\ttabs", "nan\ttext", "good\t "]
    path.write_bytes(
        "\n".join([LINES[0], *wrong, LINES[1], ""]).encode() + b"a\t\xff\n"
    )
    records, bad = read(path, label_column="label", max_bad=9)
    assert records == as_records(LINES[:2])
    assert [row for row, _ in bad] == [2, 3, 4, 5, 6, 8]
    assert [reason.partition(";")[0] for _, reason in bad[:5]] == [
        "a line without a tab",
        "no label before the tab",
        "a tab in the text",
        "the label is missing ('nan')",
        "no text after the label",
    ]


def test_lines_have_no_columns_with_names(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(LINES))
    message = "lines, which have no columns with names; allowed: tables, or lab"
    with pytest.raises(DataError, match=message):
        check_input(PrepareSettings(str(path), label_column="stars"))
    with pytest.raises(DataError, match=message):
        read(path, label_column="label", text_column="body")


# -- Before Beam and TensorFlow are imported ----------------------------------

SAID_EARLY = {
    "no file": ([], "nothing.txt: no file; allowed: a file, a folder"),
    "no text column": (["x,y\n1,2\n"], "no column 'text'; there are x, y"),
    "no label column": (
        ["text\na\n", "--label_column=stars"],
        "no column 'stars'; there are text",
    ),
    "an empty table": ([""], "a.csv:1: no column 'text'; there are none"),
    "a bad setting": (["text\na\n", "--min_count=0"], "min_count=0; allowed: "),
}
CODE = """
import sys
from keras_textgen.prepare.__main__ import main
status = main(sys.argv[1:])
assert not {"tensorflow", "apache_beam"} & set(sys.modules)
sys.exit(status)
"""


@pytest.mark.parametrize("case", SAID_EARLY)
def test_what_is_wrong_is_said_before_beam_is_imported(tmp_path, case):
    (content, *more), told = SAID_EARLY[case][0] or [None], SAID_EARLY[case][1]
    path = tmp_path / ("nothing.txt" if content is None else "a.csv")
    if content is not None:
        path.write_text(content)
    given = [f"--input={path}", f"--output={tmp_path / 'out'}", *more]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *given], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("python -m keras_textgen.prepare: ")
    assert told in line


@pytest.mark.parametrize("kind", ["texts", "cells"])
def test_columns_of_every_file_are_looked_for(tmp_path, kind):
    """And of a folder's files those alone that are read."""
    head, row, settings = {
        "texts": ("text,stars", "a rose,5", PrepareSettings(str(tmp_path))),
        "cells": ("user,item,rating", "a,b,5", CellSettings(str(tmp_path))),
    }[kind]
    (tmp_path / "a.txt").write_text("what this folder is\n")
    (tmp_path / "b.csv").write_text(f"{head}\n{row}\n")
    check_input(settings)
    last = tmp_path / "c.csv"
    last.write_text(f"x{head}\nx{row}\n")
    message = f"{last}:1: no column '{head.partition(',')[0]}'; there are x"
    with pytest.raises(DataError, match=re.escape(message)):
        check_input(settings)


def test_late_keys_of_json_may_be_the_columns(tmp_path):
    path = tmp_path / "a.jsonl"
    early = json.dumps({"other": 1}) + "\n"
    path.write_text(early * 10_000 + json.dumps({"text": "a rose"}) + "\n")
    check_input(PrepareSettings(str(path)))
    path.write_text(early)
    with pytest.raises(DataError, match="no column 'text'; there are other"):
        check_input(PrepareSettings(str(path)))
