"""What is kept of a column: times, labels and ids, exactly or not at all."""

import datetime
import decimal
import json
import random
from fractions import Fraction

import pytest

from keras_textgen.data.corpus import DataError, read_corpus
from keras_textgen.data.formats.collect import (
    Ids,
    Labels,
    Times,
    UnusableError,
)
from keras_textgen.data.raw_ids import raw_ids


def places(values):
    """The place of each among the different ones, in exact arithmetic."""
    distinct = sorted(set(values))
    return [distinct.index(each) for each in values]


def kept(collector, values):
    for each in values:
        collector.add(each)
    return collector.found


# -- Times ---------------------------------------------------------------------

NUMBERS = [
    *(2**53 + i for i in (0, 1, 2, -1)),
    *(1_700_000_000_000_000_000 + i for i in (3, 0, 1, 2, 256)),
    *(-(2**60) - i for i in range(3)),
    5,
    0,
    10**25,
    10**25 + 1,
]


@pytest.mark.parametrize("as_type", [int, str, decimal.Decimal])
def test_integers_of_many_digits_keep_their_order(as_type):
    random.Random(0).shuffle(NUMBERS)
    # A float among them is what it says.
    found = kept(Times("when"), [*map(as_type, NUMBERS), 2.0**53, 0.5])
    expected = places([*map(Fraction, NUMBERS), Fraction(2**53), Fraction(0.5)])
    assert found.tolist() == expected


def test_decimals_of_many_digits_keep_their_order():
    texts = [
        "1714557600.1234567891",
        "1714557600.1234567892",
        "5",
        "5.0",
        "5e0",
    ]
    texts += ["1714557600", "0.1", "1e-300", "-0.10000000000000000001", "-0.1"]
    found = kept(Times("when"), texts)
    assert found.tolist() == places([Fraction(each) for each in texts])


def test_dates_keep_their_nanoseconds():
    day = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    later = day + datetime.timedelta(microseconds=1)
    values = [
        ("2024-05-01T10:00:00.000000002", 2),
        ("2024-05-01 10:00:00.000000001Z", 1),
        ("2024-05-01T12:00:00.000001+02:00", 1000),
        (later, 1000),
        (day, 0),
        (datetime.date(2024, 5, 1), -10 * 3600 * 10**9),
        ("1816-01-01", -(10**19)),
    ]
    found = kept(Times("when"), [value for value, _ in values])
    assert found.tolist() == places([time for _, time in values])
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    stamps = [
        pandas.Timestamp(f"2024-05-01T10:00:00.00000000{i}") for i in (2, 1)
    ]
    assert kept(Times("when"), [*stamps, day]).tolist() == [2, 1, 0]
    with pytest.raises(UnusableError, match="when NaT is no time; allowed: a"):
        Times("when").add(pandas.NaT)


# -- Labels and ids ------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 1.0], ["1", "2", "1"]),
        ([1.0, "x", 3.5], ["1.0", "x", "3.5"]),
        ([1.0, 2.5], ["1.0", "2.5"]),
        ([2, 1e16], ["2", "10000000000000000"]),
    ],
)
def test_text_and_numbers_are_the_same_labels(values, expected):
    """As CSV and JSON have them; all rows say whether fractions count."""
    assert kept(Labels("label"), values) == expected
    as_text = ["10000000000000000" if x == 1e16 else str(x) for x in values]
    assert kept(Labels("label"), as_text) == expected
    ids = Ids("user")
    for each in values:
        ids.add(each)
    numbers, names = ids.numbered()
    assert [names[number] for number in numbers] == expected


def test_labels_beside_text_in_files(tmp_path):
    labels = [1.0, "x", 2.0] * 10
    (tmp_path / "a.csv").write_text(
        "\n".join(["text,label", *(f"a rose,{each}" for each in labels)])
    )
    rows = [json.dumps({"text": "a rose", "label": each}) for each in labels]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    first, second = (
        read_corpus("text", "documents", data_dir=tmp_path / name, seed=1)
        for name in ("a.csv", "a.jsonl")
    )
    assert first.label_names == second.label_names == ("1.0", "2.0", "x")
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    "value", ["NaN", "nan", " NULL ", "<NA>", "\\N", None, float("nan"), ""]
)
def test_missing_labels_and_ids(value):
    shown = f" ({value.strip()!r})" if value and value == value else ""
    for collector, allowed in ((Labels("c"), "a label"), (Ids("c"), "an id")):
        with pytest.raises(UnusableError) as error:
            collector.add(value)
        assert str(error.value) == f"c is missing{shown}; allowed: {allowed}"


def test_missing_labels_of_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("good\ta rose\nNaN\ta thorn\n" * 10)
    with pytest.raises(DataError, match=r"a.txt:2: the label is missing \('N"):
        read_corpus("text", "documents", data_dir=path)
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text("a rose\na thorn\n")
        labels = "good\nbad\n" if split != "test" else "good\nnull\n"
        (tmp_path / f"{split}_class_label.txt").write_text(labels)
    with pytest.raises(
        DataError, match=r"test_class_label.txt:2: the label is"
    ):
        read_corpus("text", "documents", data_dir=tmp_path)


@pytest.mark.parametrize("value", [["ann"], {"id": 3}, [], ("ann", 3)])
def test_several_values_are_no_label_and_no_id(tmp_path, value):
    kind = type(value).__name__
    for collector in (Labels("c"), Ids("c")):
        with pytest.raises(UnusableError, match=f"of type {kind}; allowed: a"):
            collector.add(value)
    with pytest.raises(
        ValueError, match=f"user of place 1 is .*, of type {kind}"
    ):
        raw_ids("user", ["bob", value])
    rows = [{"user": f"u{i}", "item": "a", "rating": 1} for i in range(12)]
    rows[4]["user"] = value
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(
        DataError, match=r"a.jsonl:5: user is .*; allowed: an id"
    ):
        read_corpus("ratings", "matrices", data_dir=path)
