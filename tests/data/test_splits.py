"""Splits at random, by time, and with the last of each row left out."""

import itertools

import numpy as np
import pytest

from keras_textgen.data.cells import merge_times, ratings_of
from keras_textgen.data.corpus import SPLITS, DataError, read_corpus
from keras_textgen.data.splits import (
    leave_last_out,
    rows_at_random,
    rows_by_time,
    split_rule,
)

HEADER = "user,item,rating,timestamp"


def write(path, lines, header=HEADER):
    path.write_text("".join(f"{line}\n" for line in [header, *lines]))
    return path


def times_of(corpus, times):
    """The times of the cells of each split, by user and film."""
    return [
        [
            times[corpus.row_names[row], corpus.column_names[column]]
            for row, column in zip(cells.rows, cells.columns, strict=True)
        ]
        for cells in (getattr(corpus, split) for split in SPLITS)
    ]


@pytest.fixture
def table(tmp_path):
    generator = np.random.default_rng(0)
    times = {
        (f"u{user}", f"f{film}"): int(time)
        for (user, film), time in zip(
            [(u, f) for u in range(6) for f in range(10)],
            generator.permutation(60),
            strict=True,
        )
    }
    lines = [f"{u},{f},1,{time}" for (u, f), time in times.items()]
    return write(tmp_path / "a.csv", lines), times


def test_by_time(table):
    path, times = table
    corpus = read_corpus("ratings", "matrices", data_dir=path, split="time")
    parts = [sorted(part) for part in times_of(corpus, times)]
    assert parts == [[*range(48)], [*range(48, 54)], [*range(54, 60)]]
    # A column of times is for a split by them.
    named = read_corpus(
        "ratings", "matrices", data_dir=path, time_column="timestamp"
    )
    assert named.fingerprint == corpus.fingerprint


def test_leave_last_out(table):
    path, times = table
    corpus = read_corpus(
        "ratings", "matrices", data_dir=path, split="leave_last_out"
    )
    for number, user in enumerate(corpus.row_names):
        expected = sorted(t for (u, _), t in times.items() if u == user)
        found = [
            sorted(
                times[user, corpus.column_names[column]]
                for column in cells.columns[cells.rows == number]
            )
            for cells in (getattr(corpus, split) for split in SPLITS)
        ]
        assert found == [expected[:-2], expected[-2:-1], expected[-1:]]


def test_rows_too_short_to_leave_out(tmp_path):
    owners = np.array([1, 1, 0, 0, 0])
    train, valid, test = leave_last_out(owners, np.array([1, 2, 9, 9, 9]))
    assert (train.tolist(), valid.tolist(), test.tolist()) == (
        [0, 1, 2],
        [3],
        [4],
    )
    path = write(tmp_path / "a.csv", [f"u{i},f,1,{i}" for i in range(20)])
    with pytest.raises(
        DataError, match=r"no row has 3 values, .*; allowed: --s"
    ):
        read_corpus(
            "ratings", "matrices", data_dir=path, split="leave_last_out"
        )


@pytest.mark.parametrize("size", [10, 11, 29, 30, 101])
def test_parts_by_time_are_all_rows(size):
    times = np.random.default_rng(size).integers(0, 5, size)
    parts = rows_by_time(times)
    assert sorted(np.concatenate(parts)) == [*range(size)]
    assert len(parts[1]) == len(parts[2]) == size // 10
    for earlier, later in itertools.pairwise(parts):
        assert times[earlier].max() <= times[later].min()


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [("first", 5), ("last", 3), ("mean", 8), ("sum", 8)],
)
def test_times_of_pairs_given_again(duplicates, expected):
    cells = ratings_of([1, 0, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1])
    times = merge_times(cells, np.array([5.0, 7.0, 8.0, 3.0]), duplicates)
    assert times.tolist() == [expected, 7]


@pytest.mark.parametrize(
    "times",
    [
        [f"20{i:02}-01-01" for i in range(20)],
        [f"2024-05-01T{i:02}:00:00Z" for i in range(20)],
        [f"{1e9 + i}" for i in range(20)],
        # Later by the clock, but not by the zone.
        [f"2024-05-01 10:00:00+{20 - i:02}:00" for i in range(20)],
    ],
)
def test_texts_by_time(tmp_path, times):
    order = np.random.default_rng(1).permutation(20)
    lines = [f"text {i},{'ab'[i % 2]},{times[i]}" for i in order]
    path = write(tmp_path / "a.csv", lines, "text,label,when")
    corpus = read_corpus("text", "texts", data_dir=path, time_column="when")
    assert sorted(corpus.test) == ["text 18", "text 19"]
    assert sorted(corpus.valid) == ["text 16", "text 17"]
    for split in SPLITS:
        for text, label in zip(
            getattr(corpus, split), corpus.labels[split], strict=True
        ):
            assert corpus.label_names[label] == "ab"[int(text[5:]) % 2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["text,a,soon"], r":2: when 'soon' is no time; allowed: a number, or"),
        (["text,a,"], r":2: when '' is no time; allowed: a number, or a date"),
        (["text,a,1", "text,a,2024-01-01"], r":3: when .* is of another kind"),
        (
            [f"text,{'abc'[i // 5]},{i}" for i in range(15)]
            + [f"text,d,{20}", "text,a,1"],
            r":17: the label 'd' is not in the training set, the earliest 80 %",
        ),
        (["text,a,1", "text,b,2"], ": 2 texts leave nothing for validation; a"),
    ],
)
def test_refused_times(tmp_path, lines, message):
    path = write(tmp_path / "a.csv", lines, "text,label,when")
    with pytest.raises(DataError, match=f"^{path}{message}"):
        read_corpus("text", "texts", data_dir=path, time_column="when")


def test_refused_splits(tmp_path):
    with pytest.raises(
        ValueError, match=r"^split=random with time_column=t; allowed: split=ti"
    ):
        split_rule("random", "t")
    path = write(tmp_path / "a.csv", ["a"] * 20, "text")
    with pytest.raises(
        ValueError,
        match=r"^split=leave_last_out for text as texts; allowed: random or ti",
    ):
        read_corpus("text", "texts", data_dir=path, split="leave_last_out")
    with pytest.raises(
        DataError, match=r":1: no column 'timestamp'; there are"
    ):
        read_corpus("text", "texts", data_dir=path, split="time")


@pytest.mark.parametrize("size", [10, 11, 99, 1000])
def test_rows_at_random(size):
    parts = rows_at_random(size, seed=4)
    assert [len(part) for part in parts[1:]] == [size // 10] * 2
    np.testing.assert_array_equal(
        np.sort(np.concatenate(parts)), np.arange(size)
    )
    for part, again in zip(parts, rows_at_random(size, seed=4), strict=True):
        np.testing.assert_array_equal(part, again)
        np.testing.assert_array_equal(part, np.sort(part))


def test_rows_at_random_differ_by_seed():
    assert list(rows_at_random(100, 0)[2]) != list(rows_at_random(100, 1)[2])


def test_labels_are_split_one_by_one():
    labels = np.repeat([5, 0, 2, 7, 9], [1, 2, 3, 25, 60])
    train, valid, test = rows_at_random(91, seed=1, labels=labels)
    rows = np.concatenate([train, valid, test])
    np.testing.assert_array_equal(np.sort(rows), np.arange(91))
    held_out = {2: 1, 7: 2, 9: 6}
    for part in (valid, test):
        np.testing.assert_array_equal(part, np.sort(part))
        values, counts = np.unique(labels[part], return_counts=True)
        assert dict(zip(values, counts, strict=True)) == held_out
    # Without labels, and with the same one everywhere, it is the same split.
    for part, same in zip(
        rows_at_random(91, 1),
        rows_at_random(91, 1, np.full(91, 3)),
        strict=True,
    ):
        np.testing.assert_array_equal(part, same)


def test_one_part_held_out():
    train, valid = rows_at_random(
        40, 0, np.repeat([0, 1], 20), held_out_parts=1
    )
    assert np.sum(valid < 20) == np.sum(valid >= 20) == 2
    assert sorted([*train, *valid]) == list(range(40))


# Runs of earlier versions can be repeated.
def test_the_split_of_a_seed_stays():
    valid, test = rows_at_random(20, seed=0)[1:]
    rows = np.random.Generator(np.random.Philox(0)).permutation(20)
    assert valid.tolist() == sorted(rows[16:18])
    assert test.tolist() == sorted(rows[18:])
