"""Corpora in shards: what is written, twice, of what, and what is refused."""

import collections
import gzip
import hashlib
import json
import random
import resource
import subprocess

import numpy as np
import pytest

from keras_textgen.data.corpus import SPLITS, DataError
from keras_textgen.prepare.__main__ import main
from keras_textgen.prepare.pieces import find_files, plan_units
from keras_textgen.prepare.records import records_of, share_of
from keras_textgen.prepare.settings import PrepareSettings

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

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


def some_texts(count, seed=0, words=50):
    """Texts of lower-case words, which are tokens as they stand."""
    chance = random.Random(seed)
    return [
        " ".join(
            f"w{min(int(chance.paretovariate(1)), words)}"
            for _ in range(chance.randint(1, 9))
        )
        + f" t{number}"
        for number in range(count)
    ]


def expected_split(text, seed=0, valid=0.05, test=0.05):
    """By the rule of docs/big_data.md, written anew."""
    content = " ".join(text.split()).encode()
    digest = hashlib.blake2b(content, digest_size=8, salt=b"%d" % seed)
    place = int(digest.hexdigest(), 16) / 2**64
    return (
        "test" if place < test else "valid" if place < test + valid else "train"
    )


def texts_of(corpus, split):
    """The texts of a split as they were read, by way of the vocabulary."""
    words = corpus.vocabulary.get_vocabulary()
    shards = getattr(corpus, split)
    found = []
    for ids in shards.ids_of(range(len(shards))):
        assert (ids[0], ids[-1]) == (2, 3)
        found.append(" ".join(words[each] for each in ids[1:-1]))
    return found


def known(corpus, texts):
    """Texts with the words that the vocabulary lacks as it spells them."""
    words = set(corpus.vocabulary.tokens)
    return [
        " ".join(word if word in words else "<unk>" for word in text.split())
        for text in texts
    ]


def test_every_text_is_in_the_split_of_its_hash(tmp_path):
    texts = some_texts(600)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("\n".join(texts[:200]) + "\n")
    packed = gzip.compress(("\n".join(texts[200:400]) + "\n").encode())
    (tmp_path / "in" / "b.txt.gz").write_bytes(packed)
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "deep" / "c.jsonl").write_text(
        "".join(json.dumps({"text": each}) + "\n" for each in texts[400:])
    )
    corpus = prepare_corpus(tmp_path / "in", tmp_path / "out")
    for split in SPLITS:
        expected = [each for each in texts if expected_split(each) == split]
        assert texts_of(corpus, split) == known(corpus, expected)
        counts = corpus.manifest.counts[split]
        assert counts.texts == len(expected) > 0
        assert counts.words == sum(len(each.split()) for each in expected)
        assert counts.bytes == sum(map(len, expected))
        assert counts.tokens == counts.words + 2 * counts.texts
        shards = getattr(corpus, split)
        assert shards.lengths.tolist() == [
            len(each.split()) + 2 for each in expected
        ]


def test_the_vocabulary_is_that_of_a_counter(tmp_path):
    texts = some_texts(500, seed=1)
    path = tmp_path / "a.txt"
    path.write_text("\n".join(texts))
    corpus = prepare_corpus(path, tmp_path / "out", vocab_size=20, min_count=3)
    counts = collections.Counter(
        word
        for text in texts
        if expected_split(text) == "train"
        for word in text.split()
    )
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    kept = [word for word in ordered if counts[word] >= 3][:16]
    assert list(corpus.vocabulary.tokens) == kept
    unknown = sum(count for word, count in counts.items() if word not in kept)
    assert corpus.manifest.counts["train"].unknown == unknown > 0


def test_topical_words_are_those_that_say_something(tmp_path):
    path = tmp_path / "a.txt"
    lines = [f"The rose isn't red , {n} thorn{n % 3} a" for n in range(100)]
    path.write_text("\n".join(lines))
    corpus = prepare_corpus(path, tmp_path / "out", words="topical")
    # Neither stop words, nor numbers, nor marks.
    assert set(corpus.vocabulary.tokens) == {
        "rose",
        "red",
        "thorn0",
        "thorn1",
        "thorn2",
    }


def test_labeled_lines_are_those_of_a_table(tmp_path):
    """Texts and classes, from the shell, as documents for HAN."""
    texts = some_texts(200, seed=3)
    labels = ["bad" if number % 3 else "good" for number in range(200)]
    rows = list(zip(labels, texts, strict=True))
    lines, table = tmp_path / "a.tsv", tmp_path / "a.csv"
    lines.write_text("".join(f"{label}\t{text}\n" for label, text in rows))
    table.write_text(
        "label,text\n" + "".join(f"{label},{text}\n" for label, text in rows)
    )
    for path in (lines, table):
        given = [f"--input={path}", f"--output={tmp_path / path.suffix[1:]}"]
        more = ["--label_column=label", "--sentence_rule=graph"]
        assert main([*given, *more]) == 0
    one, other = (open_prepared(tmp_path / name) for name in ("tsv", "csv"))
    assert one.label_names == other.label_names == ("bad", "good")
    assert one.manifest.counts == other.manifest.counts
    for name in ("train.labels.npy", "test.labels.npy", "vocabulary.json"):
        found = (tmp_path / "tsv" / name).read_bytes()
        assert found == (tmp_path / "csv" / name).read_bytes()


def test_twice_the_same_bytes_however_many_units(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(some_texts(400, seed=2)))
    prepare_corpus(path, tmp_path / "one")
    prepare_corpus(path, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    # In five units, the texts are the same, in the same order.
    monkeypatch.setattr(
        "keras_textgen.prepare.corpus.plan_units",
        lambda paths: plan_units(paths, path.stat().st_size // 5),
    )
    many = prepare_corpus(path, tmp_path / "five")
    assert len(many.manifest.shards["train"]) == 5
    one = open_prepared(tmp_path / "one")
    for split in SPLITS:
        assert texts_of(many, split) == texts_of(one, split)
    many.verify()


def test_several_processes_write_the_same(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(
            "\n".join(some_texts(150, seed=number))
        )
    source = tmp_path / "*.txt"
    prepare_corpus(source, tmp_path / "one")
    done = run(
        f"--input={source}",
        f"--output={tmp_path / 'two'}",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def run(*arguments):
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True
    )


def test_units_hold_every_line_once(tmp_path):
    lines = [f"line {number} {'x' * (number % 7)}" for number in range(100)]
    (tmp_path / "a.txt").write_text("\n".join(lines[:70]))
    (tmp_path / "b.txt").write_text("\n".join(lines[70:]) + "\n")
    settings = PrepareSettings("unused")
    for size in (1, 10, 300, 5000):
        units = plan_units(find_files(tmp_path), size)
        assert [unit.number for unit in units] == list(range(len(units)))
        found = [
            record.text
            for unit in units
            for record in records_of(unit, settings, pytest.fail)
        ]
        assert found == lines


def test_bad_records_are_told_of(tmp_path):
    texts = some_texts(100)
    lines = [each.encode() for each in texts]
    lines[3] = b"caf\xe9"
    lines[7] = b"  "
    (tmp_path / "a.txt").write_bytes(b"\n".join(lines))
    rows = [
        json.dumps({"body": each, "label": "ab"[n % 2]})
        for n, each in enumerate(texts)
    ]
    rows[5] = "{no json"
    rows[6] = json.dumps({"label": "a"})
    rows[8] = json.dumps({"body": 3, "label": "a"})
    rows[9] = json.dumps({"body": "a rose"})
    (tmp_path / "b.jsonl").write_text("\n".join(rows))
    table = ["label,body", "a,one two", "b", "b,three four"] + [
        f"a,{each}" for each in some_texts(60, seed=3)
    ]
    (tmp_path / "c.csv").write_text("\n".join(table))

    def bad_of(name, **settings):
        corpus = prepare_corpus(
            tmp_path / name, tmp_path / f"out_{name}", max_bad=4, **settings
        )
        listed = (corpus.folder / "bad.jsonl").read_text().splitlines()
        found = [json.loads(each) for each in listed]
        assert corpus.manifest.bad == len(found)
        assert {each["file"] for each in found} == {str(tmp_path / name)}
        assert {each["offset"] for each in found} == {0}
        return [(each["row"], each["reason"]) for each in found]

    columns = {"text_column": "body", "label_column": "label"}
    assert bad_of("a.txt") == [
        (4, "invalid UTF-8 (byte 0xe9), 'é' in Latin-1; allowed: text, UTF-8"),
        (8, "a text without words; allowed: 1 word or more"),
    ]
    numbers, reasons = zip(*bad_of("b.jsonl", **columns), strict=True)
    assert numbers == (6, 7, 9, 10)
    for reason, start in zip(
        reasons,
        (
            "no JSON (",
            "a text without",
            "body is 3, of type int",
            "label is None",
        ),
        strict=True,
    ):
        assert reason.startswith(start)
    ((row, reason),) = bad_of("c.csv", **columns)
    assert row == 3
    assert reason.startswith("1 column; allowed: 2")


def test_too_many_bad_records_end_it(tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_text("\n".join([*some_texts(50), " ", "", "a rose"]))
    arguments = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    assert main([*arguments, "--max_bad=1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{path}:51: a text without words (2 records or more" in line
    assert line.endswith("; allowed: max_bad=1")
    assert not (tmp_path / "out").exists()
    listed = tmp_path / "out.unfinished" / "bad.jsonl"
    assert len(listed.read_text().splitlines()) == 2
    assert main([*arguments, "--max_bad=2"]) == 0
    assert not listed.exists()


def test_labels_are_numbered_by_name(tmp_path):
    texts = some_texts(300)
    path = tmp_path / "a.tsv"
    rows = [f"{n % 3 + 9}\t{each}" for n, each in enumerate(texts)]
    path.write_text("\n".join(["stars\treview", *rows]))
    corpus = prepare_corpus(path, tmp_path / "out", label_column="stars")
    assert corpus.label_names == ("9", "10", "11")
    for split in SPLITS:
        expected = [
            number % 3
            for number, each in enumerate(texts)
            if expected_split(each) == split
        ]
        assert corpus.labels[split].tolist() == expected


def test_parquet_and_zstandard(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    texts = some_texts(200)
    table = arrow.table({"text": [*texts[:100], None]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with arrow.CompressedOutputStream(str(tmp_path / "b.txt.zst"), "zstd") as f:
        f.write("\n".join(texts[100:]).encode())
    corpus = prepare_corpus(tmp_path, tmp_path / "out", max_bad=1)
    found = [text for split in SPLITS for text in texts_of(corpus, split)]
    assert sorted(found) == sorted(known(corpus, texts))
    assert corpus.manifest.bad == 1


def test_long_texts_are_left_out_and_counted(tmp_path):
    texts = some_texts(300)
    path = tmp_path / "a.txt"
    path.write_text("\n".join(texts))
    corpus = prepare_corpus(path, tmp_path / "out", max_length=6)
    for split in SPLITS:
        mine = [each for each in texts if expected_split(each) == split]
        short = [each for each in mine if len(each.split()) <= 6]
        assert len(getattr(corpus, split)) == len(short)
        assert corpus.dropped[split] == len(mine) - len(short)


def test_characters_and_subwords(tmp_path):
    path = tmp_path / "a.txt"
    texts = some_texts(200)
    path.write_text("\n".join(texts))
    corpus = prepare_corpus(path, tmp_path / "out", tokenizer="character")
    assert corpus.manifest.unit == "character"
    training = [each for each in texts if expected_split(each) == "train"]
    assert set(corpus.vocabulary.tokens) == set("".join(training))
    assert corpus.manifest.counts["train"].tokens == sum(
        len(each) + 2 for each in training
    )
    pytest.importorskip("sentencepiece")
    pytest.importorskip("tensorflow_text")
    corpus = prepare_corpus(
        path, tmp_path / "sub", tokenizer="subword", vocab_size=275
    )
    assert corpus.vocabulary.size == 275
    ids = corpus.train.ids_of([0, 5])
    padded = np.zeros([2, max(map(len, ids))], np.int32)
    for row, each in zip(padded, ids, strict=True):
        row[: len(each)] = each
    found = corpus.vocabulary.to_text(padded).numpy()
    assert [each.decode() for each in found] == [training[0], training[5]]


def test_a_killed_preparation_leaves_nothing_that_looks_finished(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(some_texts(200_000)))
    out = tmp_path / "out"
    arguments = [f"--input={path}", f"--output={out}"]
    work = tmp_path / "out.unfinished"
    kill_when_there(arguments, work / ".train-*")
    assert not out.exists()
    assert not (work / "manifest.json").exists()
    with pytest.raises(DataError, match=r"out: no manifest\.json; allowed"):
        open_prepared(out)
    path.write_text("\n".join(some_texts(200)))
    prepare_corpus(path, out)
    assert not work.exists()
    prepare_corpus(path, tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("processes", [1, 2])
def test_files_that_cannot_be_written_are_told_of(tmp_path, processes):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(some_texts(200)))
    arguments = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    more = []
    if processes > 1:
        more = ["--direct_running_mode=multi_processing"]
        more += [f"--direct_num_workers={processes}"]

    def small_files():
        # As large as the first shard is not.
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = subprocess.run(
        command(*arguments, *more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=small_files,
    )
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith(
        f"python -m keras_textgen.prepare: {tmp_path / 'out'}.unfinished: "
        "cannot be written (write() failed: File too large"
    )
    # Other processes of Beam print what ends them.
    assert "Traceback" not in done.stderr or processes > 1
    assert not (tmp_path / "out").exists()
    prepare_corpus(path, tmp_path / "out").verify()


def test_what_is_finished_is_not_prepared_again(tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_text("\n".join(some_texts(200)))
    arguments = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith(f"Finished in {tmp_path}")
    before = {each: each.stat() for each in (tmp_path / "out").iterdir()}
    assert main(arguments) == 0
    assert before == {
        each: each.stat() for each in (tmp_path / "out").iterdir()
    }
    assert main([*arguments, "--min_count=2"]) == 2
    error = capsys.readouterr().err
    assert "prepared with another min_count; allowed" in error
    path.write_text("\n".join(some_texts(201)))
    assert main(arguments) == 2
    assert "prepared with another source; allowed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input=nowhere"], "nowhere: no file; allowed: a file, a folder"),
        (["--valid_share=2"], "valid_share=2.0; allowed: numbers above 0"),
        (["--min_cuont=2"], "--min_cuont; allowed: settings of a corpus"),
        (["--runner=Marathon"], "Marathon"),
        (["--text_column=x", "--input={0}.csv"], "no column 'x'; there are a"),
        (["--min_count=999"], "fewer than 2 words occur min_count=999 times"),
        (["--output={0}"], "is there, and no prepared corpus; allowed"),
    ],
)
def test_what_is_refused_in_one_line(tmp_path, capsys, arguments, message):
    path = tmp_path / "a"
    path.write_text("\n".join(some_texts(100)))
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    given = [f"--input={path}", f"--output={tmp_path / 'out'}"]
    assert main([*given, *(each.format(path) for each in arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m keras_textgen.prepare: ")
    assert message in line
    assert not (tmp_path / "out").exists()


def test_shares_are_uniform():
    shares = [share_of(f"text {number}", 3) for number in range(4000)]
    counts, _ = np.histogram(shares, 10, (0, 1))
    # Five standard deviations of a binomial.
    assert np.abs(counts - 400).max() < 5 * np.sqrt(4000 * 0.1 * 0.9)
