"""Texts of tables: layouts that others publish, splits, what is refused."""

import json

import numpy as np
import pytest

from keras_textgen.data.corpus import SPLITS, DataError, read_corpus
from tests.data.lines import write


def read(data_dir, view="documents", **asked):
    return read_corpus("text", view, data_dir=data_dir, **asked)


def labeled(corpus, split):
    return [
        (text, corpus.label_names[label])
        for text, label in zip(
            getattr(corpus, split), corpus.labels[split], strict=True
        )
    ]


# -- Zhang et al. (2015): AG News, DBpedia, Yelp -------------------------------


def test_ag_news(tmp_path):
    """Class, title and description, without names; a file of classes."""
    write(tmp_path / "readme.txt", ["AG's News Topic Classification Dataset"])
    write(tmp_path / "classes.txt", ["World", "Sports", "Business"])
    write(
        tmp_path / "train.csv",
        [
            f'"{1 + i % 3}","Title {i}","Said ""{i}""\\nand more"'
            for i in range(30)
        ],
    )
    write(tmp_path / "test.csv", ['"3","Last","one, two"', '"1","First",""'])
    corpus = read(tmp_path, seed=1)
    assert corpus.label_names == ("Business", "Sports", "World")
    assert labeled(corpus, "test") == [
        ("Last\none, two", "Business"),
        ("First", "World"),
    ]
    assert (len(corpus.train), len(corpus.valid)) == (27, 3)
    # A tenth of each class is held out.
    assert np.bincount(corpus.labels["valid"]).tolist() == [1, 1, 1]
    found = labeled(corpus, "train") + labeled(corpus, "valid")
    assert sorted(found) == sorted(
        (
            f'Title {i}\nSaid "{i}"\nand more',
            ["World", "Sports", "Business"][i % 3],
        )
        for i in range(30)
    )
    write(tmp_path / "test.csv", ['"1","a","b"', '"4","a","b"'])
    with pytest.raises(
        DataError,
        match=r"test.csv:2: the class '4'; allowed: a whole number fr",
    ):
        read(tmp_path)


@pytest.mark.parametrize("again", ["World", " World", "\ufeffWorld"])
def test_classes_that_are_there_twice(tmp_path, again):
    path = write(tmp_path / "classes.txt", ["World", "Sports", again])
    write(tmp_path / "a.csv", [f"{1 + i % 3},Title,Text" for i in range(30)])
    with pytest.raises(DataError) as error:
        read(tmp_path / "a.csv")
    assert str(error.value) == (
        f"{path}:3: the class 'World' is there already (line 1); allowed: "
        "every class once"
    )
    write(path, ["World", "NaN", "Sports"])
    with pytest.raises(DataError, match=r"classes.txt:2: the class is missing"):
        read(tmp_path / "a.csv")


def test_yelp(tmp_path):
    """Class and text; no file of classes."""
    reviews = [f'"{1 + i % 2}","Review {i}\\n\\nof mine"' for i in range(20)]
    write(tmp_path / "train.csv", reviews)
    write(tmp_path / "test.csv", reviews[:3])
    corpus = read(tmp_path)
    assert corpus.label_names == ("1", "2")
    assert labeled(corpus, "test")[1] == ("Review 1\n\nof mine", "2")
    # One of its files alone is split.
    corpus = read(tmp_path / "train.csv")
    assert [len(getattr(corpus, split)) for split in SPLITS] == [16, 2, 2]


# -- Reviews of Amazon ---------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("reviewerID", "asin", "overall", "reviewText", "unixReviewTime"),
        ("user_id", "parent_asin", "rating", "text", "timestamp"),
    ],
)
def test_reviews_serve_all(tmp_path, names):
    user, item, rating, text, time = names
    rows = [
        {
            user: f"A{i % 7}",
            item: f"B{i // 7}",
            "asin": f"B{i // 7}",
            rating: float(1 + i % 5),
            text: f"Review {i}",
            time: 1_370_000_000 + i,
            "title": "no",
            "helpful": [0, i],
        }
        for i in range(35)
    ]
    # Some have no words.
    rows[30][text] = " "
    del rows[31][text]
    path = write(tmp_path / "reviews.json", map(json.dumps, rows))
    corpus = read(path, "bags")
    assert corpus.label_names == ("1", "2", "3", "4", "5")
    found = [row for split in SPLITS for row in labeled(corpus, split)]
    assert sorted(found) == sorted(
        (f"Review {i}", str(1 + i % 5)) for i in range(35) if i not in (30, 31)
    )
    assert corpus.remarks[0] == (
        f"{path}:31: 2 rows without words, the first of them here; left out."
    )
    assert corpus.remarks[1].endswith(
        f"from column {text!r} and labels from column {rating!r}."
    )
    assert corpus.times == {}
    corpus = read(path, "bags", time_column=time)
    known = [i for i in range(35) if i not in (30, 31)]
    expected = [1_370_000_000.0 + i for i in known]
    times = np.concatenate([corpus.times[split] for split in SPLITS])
    assert times.tolist() == expected
    assert corpus.test == [f"Review {i}" for i in known[-len(corpus.test) :]]
    matrix = read_corpus(
        "ratings", "matrices", data_dir=path, split="leave_last_out"
    )
    assert matrix.fields == (user, item, rating)
    assert matrix.shape == (7, 5)
    assert matrix.test.columns.tolist() == [4] * 7


# -- Splits --------------------------------------------------------------------


@pytest.mark.parametrize("form", ["tables", "lines", "folders"])
def test_what_is_split_already_is_not_split_again(form, tmp_path):
    for split in ("train", "valid", "test"):
        if form == "tables":
            write(tmp_path / f"{split}.csv", ["text", "a rose"])
        elif form == "lines":
            write(tmp_path / f"{split}.txt", ["a rose"])
        else:
            (tmp_path / split / "glad").mkdir(parents=True)
            write(tmp_path / split / "glad" / "1.txt", ["a rose"])
            (tmp_path / split / "sad").mkdir()
            write(tmp_path / split / "sad" / "1.txt", ["a thorn"])
    assert "a rose" in read(tmp_path).test[0]
    with pytest.raises(
        DataError, match=r": split already into train, valid, test; allowed: no"
    ):
        read(tmp_path, split="random")


def test_shards_that_are_split(tmp_path):
    for name, numbers in (
        ("train-00000-of-00002", range(5)),
        ("train-00001-of-00002", range(5, 9)),
        ("validation-00000-of-00001", [20]),
        ("test-00000-of-00001", [30]),
    ):
        rows = [{"text": f"t{i}", "label": i % 2} for i in numbers]
        write(tmp_path / f"{name}.jsonl", map(json.dumps, rows))
    corpus = read(tmp_path)
    assert corpus.train == [f"t{i}" for i in range(9)]
    assert (corpus.valid, corpus.test) == (["t20"], ["t30"])
    assert corpus.labels["train"].tolist() == [i % 2 for i in range(9)]
    with pytest.raises(
        DataError, match=r": split already into train, .*; allow"
    ):
        read(tmp_path, split="time")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"train": "a,x\nb,y"},
            r": tables of train, and none of test; allowed",
        ),
        (
            {"train": "a,x\nb,y", "test": "c,z"},
            r"test.csv:2: the label 'z' is not in the training set; allowed:",
        ),
        (
            {"train": "a,x\nb,x", "test": "c,x"},
            r"train.csv: one label, 'x'; allowed: 2 labels or more",
        ),
        (
            {"train": "a,x\nb,y", "test": "c,x"},
            ": 2 training texts leave nothing for validation; allowed: 2 or mo",
        ),
    ],
)
def test_refused_folders(tmp_path, files, message):
    for name, lines in files.items():
        write(tmp_path / f"{name}.csv", ["text,label", lines])
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_labels_in_some_files_only(tmp_path):
    write(tmp_path / "a.csv", ["text,label", "a,x", "b,y"])
    write(tmp_path / "b.csv", ["text", "c"])
    with pytest.raises(
        DataError, match=r"b.csv: column 'label' is in some files"
    ):
        read(tmp_path)
    write(tmp_path / "train.csv", ["text,label", *["a,x", "b,y"] * 5])
    write(tmp_path / "test.csv", ["text", "c"])
    with pytest.raises(
        DataError, match=r"test.csv: no labels, which other spli"
    ):
        read(tmp_path)


# -- Tables and lines ----------------------------------------------------------


def test_a_file_of_tabs_is_lines_or_a_table(tmp_path):
    path = tmp_path / "a.tsv"
    lines = ['good\tI liked "it', "bad\tI left"] * 10
    # No names, or those of a label and a text: as ever.
    for first in (
        [],
        ["label\ttext"],
        ["class\twords"],
        ["stars\ttext"],
        ["0\t1"],
    ):
        write(path, [*first, *lines])
        corpus = read(path)
        assert set(labeled(corpus, "train")) == {
            ('I liked "it', "good"),
            ("I left", "bad"),
        }
    write(
        path,
        ["text\tnumber\tlabel", *(f"t{i}\t{i}\tl{i % 2}" for i in range(20))],
    )
    corpus = read(path)
    assert corpus.label_names == ("l0", "l1")
    assert corpus.train[0].startswith("t")
    write(path, ["what\tlabel", *(f"t{i}\tl{i % 2}" for i in range(20))])
    assert read(path, text_column="what").label_names == ("l0", "l1")


def test_lines_by_a_pattern_or_piped(tmp_path, monkeypatch):
    from tests.data.formats.rows import Piped

    lines = [f"line {i}" for i in range(20)]
    write(tmp_path / "a.txt", lines[:12])
    write(tmp_path / "b.txt", lines[12:])
    whole = read(tmp_path, "texts")
    assert read(tmp_path / "*.txt", "texts").fingerprint == whole.fingerprint
    content = "".join(f"{line}\n" for line in lines).encode()
    monkeypatch.setattr("sys.stdin", Piped(content))
    assert read("-", "texts").fingerprint == whole.fingerprint
    assert len(whole.train) == 16


def test_a_folder_of_texts_beside_tables(tmp_path):
    """Texts are read, as ever, unless a column is named."""
    write(tmp_path / "a.txt", [f"line {i}" for i in range(20)])
    write(tmp_path / "b.csv", ["what", *(f"row {i}" for i in range(20))])
    assert read(tmp_path, "texts").train[0].startswith("line")
    corpus = read(tmp_path, "texts", text_column="what")
    assert corpus.train[0].startswith("row")


def texts_table(folder, name, start, stop, header="text,label"):
    lines = [f"a rose {i},{'xy'[i % 2]}" for i in range(start, stop)]
    (folder / name).write_text("\n".join([header, *lines]) + "\n", "utf-8")


def test_every_file_named_after_a_split_is_of_it(tmp_path):
    texts_table(tmp_path, "train1.csv", 0, 20)
    texts_table(tmp_path, "training-2.csv", 20, 40)
    texts_table(tmp_path, "test.csv", 40, 60)
    texts_table(tmp_path, "extra.csv", 60, 70)
    corpus = read_corpus("text", "texts", data_dir=tmp_path)
    assert corpus.test == [f"a rose {i}" for i in range(40, 60)]
    assert sorted(corpus.train + corpus.valid) == sorted(
        f"a rose {i}" for i in range(40)
    )
    (remark,) = [each for each in corpus.remarks if "Left out" in each]
    assert remark.startswith("Left out: ")
    assert "extra.csv" in remark


def test_tables_among_other_files_are_named(tmp_path):
    texts_table(tmp_path, "a.csv", 0, 20)
    (tmp_path / "LICENSE.txt").write_text("a line\n" * 20)
    corpus = read(tmp_path, "texts")
    assert corpus.remarks == (
        "Left out: 'a.csv', tables beside files of text; the pattern "
        f"'{tmp_path}/*.csv' reads them.",
    )
    with pytest.raises(DataError, match=r"a\.csv is a table and .*LICENSE\.t"):
        read(tmp_path / "*", "texts")


@pytest.mark.parametrize("name", ["review", "content", "reviewText"])
def test_a_file_of_tabs_with_a_usual_name_of_texts_is_a_table(name, tmp_path):
    path = tmp_path / "a.tsv"
    rows = [f"{i % 2}\ta rose {i}" for i in range(20)]
    path.write_text("\n".join([f"stars\t{name}", *rows]) + "\n", "utf-8")
    corpus = read_corpus("text", "texts", data_dir=path)
    assert corpus.label_names == ("0", "1")
    assert f"stars\t{name}" not in corpus.train


def test_half_a_character_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a \\ud800 rose"}\n' * 12)
    with pytest.raises(DataError, match=r"a.jsonl:1: text holds half a char"):
        read_corpus("text", "texts", data_dir=path)


def test_ratings_that_are_split_already_are_refused(tmp_path):
    for name in ("train.csv", "test.csv"):
        lines = [f"u{i % 4},i{i},3" for i in range(20)]
        (tmp_path / name).write_text("\n".join(["user,item,rating", *lines]))
    with pytest.raises(DataError, match=r"train.csv are named after splits"):
        read_corpus("ratings", "matrices", data_dir=tmp_path)
