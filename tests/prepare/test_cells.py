"""Cells of a matrix in files: what is written, twice, and what is refused."""

import gzip
import hashlib
import json
import random
import resource
import subprocess

import numpy as np
import pytest

from keras_textgen.data.cell_columns import DUPLICATES
from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.data.readers.tables import read_table
from keras_textgen.prepare.__main__ import main
from keras_textgen.prepare.pieces import plan_units

pytest.importorskip("apache_beam", reason="the extra beam is missing")

from keras_textgen.data.shards.corpus import open_prepared
from keras_textgen.prepare.corpus import prepare_corpus
from tests.beam import (
    ROOT,
    beams_warnings,
    command,
    contents,
    kill_when_there,
)

pytestmark = beams_warnings
SHARES = {"valid_share": 0.1, "test_share": 0.1}


def some_cells(count=400, seed=0):
    """Pairs of users and items, each once, with a value, in any order."""
    chance = random.Random(seed)
    pairs = [(row, column) for row in range(40) for column in range(30)]
    return [
        (f"u{row}", f"{column}", chance.randint(-4, 10) / 2)
        for row, column in chance.sample(pairs, count)
    ]


def write_table(path, cells, names=("user", "item", "rating")):
    lines = [",".join(map(str, each)) for each in (names, *cells)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_json(path, cells, names=("user", "item", "rating")):
    rows = [json.dumps(dict(zip(names, each, strict=True))) for each in cells]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def prepared(source, output, **settings):
    return prepare_corpus(
        source, output, **{"row_column": "user", **SHARES, **settings}
    )


def cells_of(corpus, split):
    """The cells of a split by their ids, in their order."""
    cells = getattr(corpus, split)
    return [
        (corpus.row_names[row], corpus.column_names[column], value)
        for row, column, value in zip(
            cells.rows, cells.columns, cells.values.tolist(), strict=True
        )
    ]


def all_cells(corpus):
    return [each for split in SPLITS for each in cells_of(corpus, split)]


def expected_split(row, column, seed=0, valid=0.1, test=0.1):
    """By the rule of docs/big_data.md, written anew."""
    numbers = [
        int(
            hashlib.blake2b(
                text.encode(),
                digest_size=8,
                salt=b"%d" % seed,
                person=side,
            ).hexdigest(),
            16,
        )
        for text, side in ((row, b"rows.json"), (column, b"columns.json"))
    ]
    whole = 2**64
    mixed = sum(numbers) % whole
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % whole
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % whole
    place = (mixed ^ (mixed >> 31)) / whole
    return (
        "test" if place < test else "valid" if place < test + valid else "train"
    )


@pytest.mark.parametrize("seed", [0, 7])
def test_every_cell_is_there_once_as_in_memory(tmp_path, seed):
    cells = some_cells()
    path = write_table(tmp_path / "a.csv", cells)
    corpus = prepared(path, tmp_path / "out", split_seed=seed)
    memory = read_table(path)
    assert corpus.row_names == memory.row_names
    assert corpus.column_names == memory.column_names
    assert (corpus.fields, corpus.shape) == (memory.fields, memory.shape)
    assert sorted(all_cells(corpus)) == sorted(all_cells(memory))
    for split in SPLITS:
        found = cells_of(corpus, split)
        expected = [
            each
            for each in cells
            if expected_split(*each[:2], seed=seed) == split
        ]
        assert sorted(found) == sorted(expected)
        mine = getattr(corpus, split)
        # By row, and in it by column.
        places = mine.rows.astype(int) * corpus.shape[1] + mine.columns
        assert (np.diff(places) > 0).all()
        assert len(mine) == len(expected) > 0
        values = [value for *_, value in expected]
        assert mine.lowest == min(values)
        assert mine.highest == max(values)
        assert mine.mean == pytest.approx(np.mean(values))
        types = mine.rows.dtype, mine.columns.dtype, mine.values.dtype
        assert types == (np.int32, np.int32, np.float32)
    corpus.verify()
    assert open_prepared(tmp_path / "out").fingerprint == corpus.fingerprint


def test_ids_of_several_files_are_those_of_memory(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    cells = some_cells()
    # 3 and 3.0 are one id, as all are whole numbers.
    write_table(
        folder / "a.csv",
        [(row[1:], column, value) for row, column, value in cells[:150]],
    )
    packed = write_json(
        tmp_path / "b.jsonl",
        [
            (float(row[1:]), int(column), value)
            for row, column, value in cells[150:300]
        ],
        ("userId", "movieId", "stars"),
    )
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(packed.read_bytes()))
    write_table(
        folder / "c.csv",
        [(f"{row[1:]}.0", column, value) for row, column, value in cells[300:]],
    )
    (folder / "readme.txt").write_text("no table\n")
    corpus = prepared(folder, tmp_path / "out")
    memory = read_table(folder)
    assert corpus.row_names == memory.row_names
    assert corpus.column_names == memory.column_names
    assert set(corpus.row_names) <= {str(number) for number in range(40)}
    assert sorted(all_cells(corpus)) == sorted(all_cells(memory))


def test_one_id_that_is_no_number_leaves_the_others(tmp_path):
    cells = [(f"{row[1:]}.0", column, v) for row, column, v in some_cells()]
    path = write_table(tmp_path / "a.csv", [*cells, ("ann", "0", 1.0)])
    corpus = prepared(path, tmp_path / "out")
    assert corpus.row_names == read_table(path).row_names
    assert {"ann", "3.0"} <= set(corpus.row_names)


def test_tables_without_values(tmp_path):
    cells = some_cells()
    path = write_table(
        tmp_path / "a.csv",
        [each[1::-1] for each in cells],
        ("what", "who"),
    )
    corpus = prepared(
        path,
        tmp_path / "out",
        row_column="who",
        column_column="what",
        value_column="none",
    )
    assert corpus.fields == ("who", "what", None)
    assert sorted(all_cells(corpus)) == sorted((*e[:2], 1.0) for e in cells)


def in_units(monkeypatch, count, path):
    monkeypatch.setattr(
        "keras_textgen.prepare.cells.plan_units",
        lambda paths, **more: plan_units(
            paths, path.stat().st_size // count, **more
        ),
    )


def test_the_same_bytes_however_many_units_and_parts(tmp_path, monkeypatch):
    path = write_json(tmp_path / "a.jsonl", some_cells(900))
    prepared(path, tmp_path / "one")
    prepared(path, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    in_units(monkeypatch, 6, path)
    monkeypatch.setattr("keras_textgen.prepare.cell_units._BLOCK", 7)
    prepared(path, tmp_path / "six")
    assert contents(tmp_path / "one") == contents(tmp_path / "six")
    # In parts, the mean is added up in another order.
    monkeypatch.setattr("keras_textgen.prepare.cell_parts._CELLS", 100)
    prepared(path, tmp_path / "parts")
    one, parts = contents(tmp_path / "one"), contents(tmp_path / "parts")
    assert one.keys() == parts.keys()
    del one["manifest.json"], parts["manifest.json"]
    assert one == parts


def test_lines_of_a_table_are_not_cut(tmp_path):
    path = write_table(tmp_path / "a.txt", some_cells())
    assert len(plan_units([path], 100, has_texts=False)) == 1
    assert len(plan_units([path], 100)) > 1
    corpus = prepared(path, tmp_path / "out")
    assert sorted(all_cells(corpus)) == sorted(all_cells(read_table(path)))


def test_several_processes_write_the_same(tmp_path):
    cells = some_cells(600)
    for number in range(3):
        part = cells[200 * number : 200 * (number + 1)]
        write_table(tmp_path / f"{number}.csv", part)
    source = tmp_path / "*.csv"
    prepare_corpus(source, tmp_path / "one", row_column="user")
    done = subprocess.run(
        command(
            f"--input={source}",
            f"--output={tmp_path / 'two'}",
            "--row_column=user",
            "--direct_running_mode=multi_processing",
            "--direct_num_workers=2",
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--dataset=prepared --data_dir=" in done.stdout
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


# -- Pairs that are given again -----------------------------------------------


@pytest.mark.parametrize("rule", DUPLICATES)
def test_pairs_given_again_are_merged_as_in_memory(tmp_path, monkeypatch, rule):
    chance = random.Random(3)
    cells = [
        (f"u{chance.randrange(20)}", f"{chance.randrange(20)}", n / 4)
        for n in range(900)
    ]
    path = write_json(tmp_path / "a.jsonl", cells)
    in_units(monkeypatch, 5, path)
    monkeypatch.setattr("keras_textgen.prepare.cell_parts._CELLS", 200)
    corpus = prepared(path, tmp_path / "out", duplicates=rule)
    memory = read_table(path, duplicates=rule)
    assert corpus.row_names == memory.row_names
    assert sorted(all_cells(corpus)) == sorted(all_cells(memory))
    merged = 900 - len({each[:2] for each in cells})
    assert corpus.manifest.merged == merged > 0
    assert f"{merged:,} cells, which became one" in corpus.remarks[0]


@pytest.mark.parametrize("units", [1, 5])
def test_the_first_pair_given_again_is_named(tmp_path, monkeypatch, units):
    cells = some_cells(300)
    again = [*cells, (*cells[250][:2], 1.0), cells[3], cells[7]]
    path = write_json(tmp_path / "a.jsonl", again)
    in_units(monkeypatch, units, path)
    with pytest.raises(DataError) as told:
        prepared(path, tmp_path / "out")
    message = str(told.value)
    row, column, _ = cells[250]
    assert f": {row}, {column} is there already, first in {path}:" in message
    assert (
        ", as are 2 more cells; allowed: every pair once, or --dup" in message
    )
    if units == 1:
        assert message.startswith(f"{path}:301: ")
        assert f"first in {path}:251," in message
    else:
        assert " from byte " in message
    assert not (tmp_path / "out").exists()


# -- What cannot be used ------------------------------------------------------


def test_bad_records_are_told_of(tmp_path):
    cells = [list(each) for each in some_cells(200)]
    rows = [
        dict(zip(("user", "item", "rating"), c, strict=True)) for c in cells
    ]
    lines = list(map(json.dumps, rows))
    lines[3] = "{no json"
    lines[5] = json.dumps({**rows[5], "user": None})
    lines[6] = json.dumps({**rows[6], "rating": "many", "user": "nobody"})
    lines[8] = json.dumps({**rows[8], "item": ["a"]})
    lines[9] = json.dumps({**rows[9], "user": "\ud800"})
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    corpus = prepared(path, tmp_path / "out", max_bad=5)
    listed = (corpus.folder / "bad.jsonl").read_text().splitlines()
    found = [json.loads(each) for each in listed]
    assert corpus.manifest.bad == len(found) == 5
    assert {(each["file"], each["offset"]) for each in found} == {
        (str(path), 0)
    }
    assert [each["row"] for each in found] == [4, 6, 7, 9, 10]
    for each, start in zip(
        found,
        (
            "no JSON (",
            "user is missing; allowed: an id",
            "value 'many'; allowed: a finite number",
            "item is ['a'], of type list; allowed: an id",
            "user holds half a character",
        ),
        strict=True,
    ):
        assert each["reason"].startswith(start)
    left = [cell for n, cell in enumerate(cells) if n not in (3, 5, 6, 8, 9)]
    assert sorted(all_cells(corpus)) == sorted(map(tuple, left))
    # An id of nothing but records that are left out is none.
    assert "nobody" not in corpus.row_names
    assert "5 records" in corpus.remarks[0]


def test_too_many_bad_records_end_it(tmp_path, capsys):
    cells = some_cells(100)
    bad = [("u1", "", 1), ("u1", "2", "x")]
    path = write_table(tmp_path / "a.csv", [*cells, *bad])
    arguments = [
        f"--input={path}",
        f"--output={tmp_path / 'out'}",
        "--row_column=user",
        "--valid_share=0.2",
        "--test_share=0.2",
    ]
    assert main([*arguments, "--max_bad=1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}:102: item is missing (2 records or more" in line
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--max_bad=2"]) == 0
    assert ", 2 records left out. --dataset=" in capsys.readouterr().out


def test_a_killed_preparation_leaves_nothing_that_looks_finished(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("user,item,rating\n")
        for number in range(400_000):
            file.write(f"{number % 1000},{number // 1000},{number % 7}\n")
    out = tmp_path / "out"
    arguments = [f"--input={path}", f"--output={out}", "--row_column=user"]
    work = tmp_path / "out.unfinished"
    kill_when_there(arguments, work / ".read-*")
    assert not out.exists()
    assert not (work / "manifest.json").exists()
    write_table(path, some_cells())
    prepared(path, out)
    assert not work.exists()
    prepared(path, tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")


def test_files_that_cannot_be_written_are_told_of(tmp_path):
    path = write_table(tmp_path / "a.csv", some_cells())
    arguments = [f"--input={path}", f"--output={tmp_path / 'out'}"]

    def small_files():
        # Smaller than what is read.
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    done = subprocess.run(
        command(*arguments, "--row_column=user"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=small_files,
    )
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith(
        f"python -m keras_textgen.prepare: {tmp_path / 'out'}.unfinished: "
        "cannot be written ("
    )
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    prepared(path, tmp_path / "out").verify()


def test_what_is_finished_is_not_prepared_again(tmp_path, capsys):
    path = write_table(tmp_path / "a.csv", some_cells())
    arguments = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    given = [*arguments, "--row_column=user"]
    assert main(given) == 0
    assert "cells " in capsys.readouterr().out
    before = {each: each.stat() for each in (tmp_path / "out").iterdir()}
    assert main(given) == 0
    assert before == {
        each: each.stat() for each in (tmp_path / "out").iterdir()
    }
    assert main([*given, "--duplicates=sum"]) == 2
    assert "another duplicates; allowed" in capsys.readouterr().err
    assert main([*arguments, "--text_column=user"]) == 2
    assert "a corpus prepared with another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--row_column=who"], "no column 'who'; there are user, item, rating"),
        (["--value_column=item"], "value 'i"),
        (["--min_count=2"], "min_count=2 with row_column=user; allowed: setti"),
        (["--label_column=a"], "label_column=a with row_column=user; allowed"),
        (["--valid_share=0.5", "--test_share=0.5"], "leave no cells to train"),
        (["--test_share=0.000001"], "no cell is left for test; allowed: more"),
        (["--input=nowhere"], "nowhere: no file; allowed: a file, a folder wi"),
    ],
)
def test_what_is_refused_in_one_line(tmp_path, capsys, arguments, message):
    cells = [(row, f"i{column}", v) for row, column, v in some_cells()]
    path = write_table(tmp_path / "a.csv", cells)
    given = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    assert main([*given, "--row_column=user", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m keras_textgen.prepare: ")
    assert message in line
    assert not (tmp_path / "out").exists()


def test_unknown_settings_and_nothing_but_bad_records(tmp_path):
    path = write_table(tmp_path / "a.csv", [("", "", "")] * 3)
    with pytest.raises(ValueError, match="rows=1; allowed: column_column"):
        prepared(path, tmp_path / "out", rows=1)
    with pytest.raises(DataError, match="no cell that can be used; allowed"):
        prepared(path, tmp_path / "out", max_bad=3)
