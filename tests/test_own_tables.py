"""One small table of reviews trains a classifier, topics and factors."""

import csv
import pathlib

import pytest

import trainer
from keras_textgen.cli.settings import read_flagfile

ROOT = pathlib.Path(__file__).parents[1]
GOOD, BAD = "what a lovely book", "a dull and broken thing"
MATRIX = ["--dataset=ratings", "--model=dmf"]
ABOUT = ["sailing", "gardens", "chess", "baking", "stars", "horses", "trains"]
EPOCH = ["--epochs=1", "--batch_size=16"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["user_id", "asin", "rating", "text", "timestamp"])
        for user in range(9):
            for item in range(7):
                is_good = (user + item) % 2
                said = GOOD if is_good else BAD
                text = f'{said}.\nOn "{ABOUT[item]}"; {ABOUT[user % 5]}.'
                writer.writerow(
                    [user, item, 2 + is_good, text, 99 * user + item]
                )
    return path


def call(*given):
    return trainer.main(["trainer.py", *map(str, given)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "dataset", "more"),
    [
        ("han", "text", ["--embedding_dim=4", "--rnn_units=3"]),
        ("sae", "text", ["--latent_dim=3", "--split=time"]),
        ("dmf", "ratings", ["--split=leave_last_out", "--embedding_dim=2"]),
    ],
)
def test_a_table_of_reviews(
    reviews, tmp_path, monkeypatch, capsys, model, dataset, more
):
    monkeypatch.chdir(ROOT)
    given = [f"--model={model}", f"--dataset={dataset}", *EPOCH, *more]
    run = f"--run_dir={tmp_path / 'run'}"
    assert call(*given, f"--data_dir={reviews}", run) == 0
    printed = capsys.readouterr().out
    if dataset == "text":
        assert (
            f"{reviews}: texts from column 'text' and labels from column "
            "'rating'." in printed
        )
        assert "51 training documents" in printed
    else:
        # Two of seven values of each of nine users are left out.
        assert "9 x 7, 45 training values" in printed
    settings = read_flagfile(tmp_path / "run" / "flags.txt")
    assert settings.split == dict(each.split("=") for each in more).get(
        "--split"
    )
    assert settings.data_dir == str(reviews)
    assert (tmp_path / "run" / "model.keras").is_file()
    # The run alone says what is read, and how.
    assert call("--mode=evaluate", run) == 0
    assert "Test set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["--dataset=text", "--model=han", "--text_column=body"],
            ":1: no column 'body'; there are user_id, asin, rating, text, time",
        ),
        (
            ["--dataset=text", "--model=han", "--label_column=none"],
            "--dataset=text --data_dir={}: documents without labels for han; ",
        ),
        (
            ["--dataset=text", "--model=vae", "--split=leave_last_out"],
            ": --split=leave_last_out for text as texts; allowed: random or ti",
        ),
        (
            [*MATRIX, "--split=random", "--time_column=timestamp"],
            ": --split=random with --time_column=timestamp; allowed: --split=",
        ),
        (
            [*MATRIX, "--text_column=text"],
            "--text_column has a meaning only with --dataset=text, not with ",
        ),
        (
            [*MATRIX, "--time_column=text"],
            ":2: text 'a dull and broken thing.\\nOn ",
        ),
    ],
)
def test_what_is_refused(reviews, tmp_path, capsys, given, message):
    run = f"--run_dir={tmp_path / 'run'}"
    assert call(*given, f"--data_dir={reviews}", run) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message.format(reviews) in line


def test_a_pattern_that_nothing_fits(tmp_path, capsys):
    given = ["--dataset=text", f"--data_dir={tmp_path}/*.csv"]
    assert call(*given, f"--run_dir={tmp_path / 'run'}") == 2
    message = f"--data_dir={tmp_path}/*.csv: no such file or folder"
    assert message in capsys.readouterr().err
