"""A trained model applied from the shell, beside the same from Python."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import trainer
from keras_textgen import HDGM, Vocabulary, from_preset
from keras_textgen.cli.settings import Settings
from keras_textgen.tasks import applying, generating

TEXTS = ["the state of the union is strong .", "we must protect our country"]


def apply(*arguments):
    return trainer.main(["trainer.py", *map(str, arguments)])


def lines_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text(f"{TEXTS[0]}\n\n{TEXTS[1]}\n", "utf-8")
    return path


@pytest.fixture
def few_at_a_time(monkeypatch):
    monkeypatch.setattr(applying, "_RECORDS", 2)


@pytest.mark.usefixtures("few_at_a_time")
def test_codes_are_those_of_python(lines, tmp_path, capsys):
    output = tmp_path / "codes.jsonl"
    given = ["--preset=hdgm_sotu", f"--input={lines}"]
    assert apply("--mode=encode", *given, f"--output={output}") == 0
    rows = lines_of(output)
    assert [row["text"] for row in rows] == [TEXTS[0], "", TEXTS[1]]
    assert rows[1]["code"] is None
    codes = np.array([rows[0]["code"], rows[2]["code"]])
    expected = from_preset("hdgm_sotu").encode(TEXTS)
    np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-6)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"{lines}:2: nothing in it that the model knows; the results of 1 of "
        "3 records are empty\n"
    )
    assert not list(tmp_path.glob("*unfinished*"))


def test_scores_are_those_of_python(lines, capsys):
    assert apply("--mode=score", "--preset=lstm_lm_sotu", "--input", lines) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    expected = from_preset("lstm_lm_sotu").log_likelihood(TEXTS)
    found = [float(rows[0][0]), float(rows[2][0])]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Eight words and the end; no word is unknown.
    assert rows[0][1:3] == ["9", "0"]
    perplexity = np.exp(-expected[0] / 9)
    np.testing.assert_allclose(float(rows[0][3]), perplexity, rtol=1e-5)
    assert rows[1] == ["", "", "", ""]


def test_a_bound_is_called_one(lines, tmp_path):
    output = tmp_path / "scores.csv"
    given = ["--preset=hdgm_sotu", "--importance_samples=3"]
    assert (
        apply("--mode=score", *given, f"--input={lines}", f"--output={output}")
        == 0
    )
    rows = list(csv.DictReader(io.StringIO(output.read_text("utf-8"))))
    assert list(rows[0]) == [
        "text",
        "log_likelihood_at_least",
        "predicted_words",
        "unknown_words",
        "perplexity_per_word_at_most",
    ]
    bound = from_preset("hdgm_sotu").log_likelihood(TEXTS, num_samples=3)
    found = [float(rows[0][name]) for name in list(rows[0])[1:2]]
    np.testing.assert_allclose(found, bound[:1], rtol=1e-5)


def test_a_table_by_its_columns(tmp_path):
    table = tmp_path / "reviews.csv"
    table.write_text(f'id,review\n1,"{TEXTS[0]}"\n2,xyzzy\n', "utf-8")
    output = tmp_path / "classes.jsonl"
    assert (
        apply(
            "--mode=classify",
            "--preset=han_sotu",
            f"--input={table}",
            f"--output={output}",
        )
        == 0
    )
    known, unknown = lines_of(output)
    model = from_preset("han_sotu")
    probabilities = model.predict([TEXTS[0]], verbose=0)[0]
    names = model.label_names
    assert known["label"] == names[int(probabilities.argmax())]
    assert list(known["probability_of"]) == list(names)
    np.testing.assert_allclose(
        list(known["probability_of"].values()), probabilities, rtol=1e-5
    )
    assert unknown["label"] is None
    assert unknown["text"] == "xyzzy"


def test_reconstructions_move_along_a_direction(lines, tmp_path, capsys):
    plus, minus = tmp_path / "plus.txt", tmp_path / "minus.txt"
    plus.write_text("our country is at peace .\n", "utf-8")
    minus.write_text("we are at war .\n", "utf-8")
    given = ["--mode=reconstruct", "--preset=hdgm_sotu", f"--input={lines}"]
    moved = [f"--plus={plus}", f"--minus={minus}", "--strength=3"]
    assert apply(*given, *moved, "--beam_width=2") == 0
    shown = capsys.readouterr().out.splitlines()
    model = from_preset("hdgm_sotu")
    codes = model.encode(TEXTS)
    ends = model.encode(["our country is at peace .", "we are at war ."])
    expected = model.decode(codes + 3 * (ends[0] - ends[1]), beam_width=2)
    assert shown == [expected[0], "", expected[1]]


def test_an_interpolation_of_each_pair(tmp_path, capsys):
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("\t".join(TEXTS) + "\n", "utf-8")
    given = ["--preset=hdgm_sotu", f"--input={pairs}"]
    steps = ["--interpolation_steps=3", "--beam_width=2"]
    assert apply("--mode=interpolate", *given, *steps) == 0
    texts = from_preset("hdgm_sotu").interpolate(*TEXTS, steps=3, beam_width=2)
    expected = [f"{step}\t{text}" for step, text in enumerate(texts, 1)]
    assert capsys.readouterr().out.splitlines() == expected


def test_topics_with_their_words(tmp_path):
    model = from_preset("prodlda_sotu")
    text = " ".join(model.topic_words()[4])
    source, output = tmp_path / "a.txt", tmp_path / "topics.csv"
    source.write_text(f"{text}\n", "utf-8")
    assert (
        apply(
            "--mode=topics",
            "--preset=prodlda_sotu",
            f"--input={source}",
            f"--output={output}",
        )
        == 0
    )
    (row,) = csv.DictReader(io.StringIO(output.read_text("utf-8")))
    topic = int(model.topics([text])[0])
    assert row == {
        "text": text,
        "topic": str(topic),
        "words": " ".join(model.topic_words()[topic]),
    }


def test_recommendations_and_predictions(tmp_path, capsys):
    model = from_preset("dmf_sotu")
    row, column = model.row_ids[3], model.col_ids[5]
    rows = tmp_path / "rows.txt"
    rows.write_text(f"{row}\nnobody\n", "utf-8")
    assert (
        apply(
            "--mode=recommend",
            "--preset=dmf_sotu",
            "--input",
            rows,
            "--recommendations=2",
        )
        == 0
    )
    best = model.recommend([row], k=2)
    expected = [
        f"{row}\t{rank}\t{name}\t{score:.6g}"
        for rank, name, score in zip(
            (1, 2), best.ids[0], best.scores[0], strict=True
        )
    ]
    out = capsys.readouterr().out.splitlines()
    assert out == [*expected, "nobody\t\t\t"]

    cells = tmp_path / "cells.csv"
    cells.write_text(f"row,column\n{row},{column}\n", "utf-8")
    assert apply("--mode=score", "--preset=dmf_sotu", "--input", cells) == 0
    prediction = model.predict({"row": [row], "column": [column]}, verbose=0)
    assert capsys.readouterr().out == f"{prediction[0]:.6g}\n"


def test_generated_texts_go_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(generating, "_TEXTS", 3)
    output = tmp_path / "texts.txt"
    given = ["--preset=lstm_lm_sotu", "--num_samples=4", "--prefix=we must"]
    assert apply("--mode=generate", *given, f"--output={output}") == 0
    texts = output.read_text("utf-8").splitlines()
    assert len(set(texts)) == 4
    assert all(text.startswith("we must ") for text in texts)


def test_a_pipe_is_read_as_it_comes():
    """The first results come before the last records are there."""
    command = [
        sys.executable,
        trainer.__file__,
        "--mode=encode",
        "--preset=vae_sotu",
        "--input=-",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdin.write(f"{TEXTS[0]}\n" * 1024)
        process.stdin.flush()
        first = process.stdout.readline()
        process.stdin.close()
        rest = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert len(rest) == 1023
    assert set(rest) == {first.rstrip("\n")}


def test_who_reads_only_the_first_results(lines):
    text = "we must protect our country\n" * 3000
    command = f"{sys.executable} {trainer.__file__} --mode=encode "
    command += "--preset=vae_sotu --input=- | head -1 | wc -l"
    done = subprocess.run(
        ["bash", "-c", command],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert (done.stdout.strip(), done.stderr) == ("1", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode=classify", "--input=."],
         "--mode=classify with --model=hdgm; allowed: train, sweep, evaluate,"
         " export, report, generate, encode, score, reconstruct, interpolate"),
        (["--mode=encode"],
         "--mode=encode needs --input, a file, or - for standard input"),
        (["--mode=encode", "--input=/nowhere.txt"],
         "--input=/nowhere.txt: no such file or folder"),
        (["--mode=generate", "--input=."],
         "--input has a meaning only with --mode=encode or score"),
        (["--mode=reconstruct", "--input={a}", "--plus={a}"],
         "--plus={a} alone; allowed: both --plus and --minus"),
        (["--mode=interpolate", "--input={a}"],
         "{a}:1: 1 field; allowed: 2, with a tab between them"),
        (["--mode=encode", "--input={table}"],
         "{table}:1: no column 'text'; there are a, b; allowed: one that is "
         "there, by --input_columns"),
        (["--mode=encode", "--input={table}", "--input_columns=a,b"],
         "--input_columns=a,b with --mode=encode; allowed: the names of 1 "
         "column, with a comma between two"),
        (["--mode=encode", "--input={empty}"],
         "{empty}: no records; allowed: 1 or more"),
        (["--mode=encode", "--input={a}", "--output=/nowhere/b.csv"],
         "/nowhere/b.csv: cannot be written (No such file or directory)"),
        (["--mode=generate", "--prefix=zyzzyva"],
         "--mode=generate: prefix='zyzzyva': the model does not know the word "
         "'zyzzyva'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done(tmp_path, capsys, arguments, message):
    files = {"a": "a rose\n", "table": "a,b\nx,y\n", "empty": ""}
    paths = {}
    for name, content in files.items():
        suffix = "csv" if name == "table" else "txt"
        paths[name] = tmp_path / f"{name}.{suffix}"
        paths[name].write_text(content, "utf-8")
    given = [argument.format(**paths) for argument in arguments]
    assert apply("--preset=hdgm_sotu", *given) == 2
    _, err = capsys.readouterr()
    assert err.startswith(f"trainer.py: error: {message.format(**paths)}")
    assert err.count("\n") == 1


def test_what_was_there_stays_where_the_input_is_bad(tmp_path):
    source, output = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_bytes(b"a rose\n" * 3000 + b"caf\xe9\n")
    output.write_text("before", "utf-8")
    assert (
        apply(
            "--mode=encode",
            "--preset=vae_sotu",
            "--input",
            source,
            "--output",
            output,
        )
        == 2
    )
    assert output.read_text("utf-8") == "before"
    # What came before the bad line.
    whole = (tmp_path / "b.unfinished.txt").read_text("utf-8").splitlines()
    assert len(whole) == 2048


def test_an_output_never_takes_the_place_of_an_input(lines, tmp_path, capsys):
    before = lines.read_bytes()
    link = tmp_path / "link.txt"
    link.symlink_to(lines)
    for output in (lines, link, tmp_path / "." / lines.name):
        given = ["--preset=vae_sotu", f"--input={lines}", f"--output={output}"]
        assert apply("--mode=encode", *given) == 2
        error = capsys.readouterr().err
        assert "--output is the file of --input; allowed: another file" in error
    assert lines.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.csv.gz", ".gz is not written; allowed: .csv, .json, .jsonl"),
        ("a.arrow", ".arrow is not written; allowed: .csv, .json, .jsonl"),
        ("", "a folder; allowed: a file"),
    ],
)
def test_an_output_of_another_format(lines, tmp_path, capsys, name, message):
    given = ["--preset=vae_sotu", f"--input={lines}"]
    output = f"--output={tmp_path / name}"
    assert apply("--mode=encode", *given, output) == 2
    assert message in capsys.readouterr().err


def test_a_strength_without_a_direction(lines, capsys):
    given = ["--preset=vae_sotu", f"--input={lines}", "--strength=2"]
    assert apply("--mode=reconstruct", *given) == 2
    error = capsys.readouterr().err
    assert "--strength=2.0 without --plus and --minus moves nothing" in error


def test_codes_of_what_a_topic_model_does_not_know(tmp_path):
    source, output = tmp_path / "a.txt", tmp_path / "a.jsonl"
    word = from_preset("sae_sotu").topic_words(1)[0][0]
    source.write_text(f"zzqqx\n{word}\n", "utf-8")
    given = ["--preset=sae_sotu", f"--input={source}", f"--output={output}"]
    assert apply("--mode=encode", *given) == 0
    unknown, known = lines_of(output)
    assert unknown == {"text": "zzqqx", "code": None}
    expected = from_preset("sae_sotu").encode([word])[0]
    np.testing.assert_allclose(known["code"], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("mode", "preset", "content"),
    [
        ("topics", "sae_sotu", "zzqqx\nxyzzy\n"),
        ("encode", "sae_sotu", "zzqqx\nxyzzy\n"),
        ("classify", "han_sotu", "zzqqx\nxyzzy\n"),
        ("recommend", "dmf_sotu", "nobody\nno one\n"),
        ("score", "dmf_sotu", "nobody\tnothing\nno one\tnothing\n"),
        ("encode", "vae_sotu", "\n \n"),
    ],
)
def test_records_of_which_nothing_is_known(
    tmp_path, capsys, mode, preset, content
):
    """Each has its row, of empty cells, and all of them one line."""
    source = tmp_path / "a.txt"
    source.write_text(content, "utf-8")
    given = [f"--mode={mode}", f"--preset={preset}", f"--input={source}"]
    assert apply(*given) == 0
    out, err = capsys.readouterr()
    assert err == (
        f"{source}:1: nothing in it that the model knows; the results of 2 of "
        "2 records are empty\n"
    )
    rows = out.splitlines()
    assert len(rows) == 2
    if mode == "recommend":
        assert [row.split("\t")[0] for row in rows] == ["nobody", "no one"]
        rows = [row.partition("\t")[2] for row in rows]
    assert set("".join(rows)) <= {"\t"}


def test_words_that_a_text_model_does_not_know_are_its_unknown_word(
    tmp_path, capsys
):
    source = tmp_path / "a.txt"
    source.write_text("zzqqx xyzzy\nqqxyz zzyqx\n", "utf-8")
    given = ["--mode=score", "--preset=lstm_lm_sotu", f"--input={source}"]
    assert apply(*given) == 0
    out, err = capsys.readouterr()
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == rows[1]
    assert rows[0][1:3] == ["3", "2"]
    assert err == ""


def test_what_is_given_stands_beside_an_empty_result(tmp_path):
    source, output = tmp_path / "a.csv", tmp_path / "b.csv"
    model = from_preset("dmf_sotu")
    cells = [(model.row_ids[3], model.col_ids[5]), ("nobody", ""), ("", "x")]
    rows = "\n".join(",".join(cell) for cell in cells)
    source.write_text(f"row,column\n{rows}\n", "utf-8")
    given = ["--preset=dmf_sotu", f"--input={source}", f"--output={output}"]
    assert apply("--mode=score", *given) == 0
    found = list(csv.reader(io.StringIO(output.read_text("utf-8"))))
    assert [tuple(row[:2]) for row in found[1:]] == cells
    assert [bool(row[2]) for row in found[1:]] == [True, False, False]


def test_texts_of_like_length_are_given_together():
    """One long text does not make all others as long as itself."""
    texts = ["a" * 49_000, *["b" * 100] * 300, ""]
    sizes = []

    def lengths(group):
        sizes.append((len(group), max(map(len, group))))
        return [len(text) for text in group]

    found = applying._in_groups(lengths, texts)
    assert found == [len(text) for text in texts]
    assert max(count * longest for count, longest in sizes) <= 50_000
    assert max(count for count, _ in sizes) == 128


def test_a_run_without_a_bound_is_scored_by_one_sample_and_says_so(
    lines, capsys
):
    assert apply("--mode=score", "--preset=hdgm_sotu", "--input", lines) == 0
    out, err = capsys.readouterr()
    assert err.startswith(
        "1 sample of each text, as the run has --importance_samples=0; more "
    )
    bound = from_preset("hdgm_sotu").log_likelihood(TEXTS, num_samples=1)
    found = float(out.splitlines()[0].split("\t")[0])
    np.testing.assert_allclose(found, bound[0], rtol=1e-5)


def test_a_reconstruction_is_called_one():
    """The decoder of this objective reads the encoded text itself."""
    words = ["we", "must", "see", "the", "sea"]
    sizes = {"rnn_units": 4, "embedding_dim": 3, "latent_dim": 2}
    model = HDGM(Vocabulary(words), objective="reference", **sizes)
    settings = Settings(model="hdgm", mode="score", importance_samples=3)
    texts = ["we must", "the sea we see"]
    application = applying.application_of(settings, model)
    rows = [row for (row,) in application.rows([(text,) for text in texts])]
    for text, row in zip(texts, rows, strict=True):
        nll = float(model(model.vocabulary([text]), training=False)["nll"][0])
        length = len(text.split()) + 1
        np.testing.assert_allclose(
            [
                row["log_likelihood_of_reconstruction"],
                row["perplexity_per_word_of_reconstruction"],
            ],
            [-nll, np.exp(nll / length)],
            rtol=1e-5,
        )
