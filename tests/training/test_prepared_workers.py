"""Two processes train on shards, each of which reads its own part alone."""

import csv

import numpy as np
import pytest

pytest.importorskip("apache_beam", reason="the extra beam is missing")
pytest.importorskip("array_record", reason="the extra beam is missing")

from keras_textgen import load_model
from keras_textgen.prepare.corpus import prepare_corpus
from tests.beam import beams_warnings
from tests.training.test_workers import ended, start, start_two

pytestmark = beams_warnings
MODELS = {
    "lstm_vae": (
        "--rnn_units=8",
        "--latent_dim=4",
        "--dropout=0.3",
        "--word_keep_rate=0.7",
        "--importance_samples=0",
        "--free_bits=0",
    ),
    "han": (
        "--rnn_units=4",
        "--attention_units=4",
        "--word_keep_rate=0.8",
        "--dropout=0.2",
        "--max_sentences=3",
        "--max_words=5",
    ),
    # Cells are drawn beside known ones.
    "dmf": ("--feedback=implicit", "--negatives=3"),
}


def write_documents(path):
    draw = np.random.default_rng(0)
    rows = []
    for number in range(203):
        sentences = [
            " ".join(draw.choice(list("abcdefgh"), draw.integers(1, 9)))
            for _ in range(draw.integers(1, 5))
        ]
        rows.append(f"{number % 2}\t{'. '.join(sentences)}.")
    path.write_text("\n".join(["label\ttext", *rows]) + "\n", "utf-8")


def write_cells(path):
    draw = np.random.default_rng(0)
    cells = [(row, column) for row in range(20) for column in range(30)]
    rows = [
        f"{row},{column},{1 + (row * column) % 5}"
        for row, column in draw.permutation(cells)[:250]
    ]
    path.write_text("\n".join(["user,item,rating", *rows]) + "\n", "utf-8")


def flags_of(model, data, run_dir):
    return [
        f"--model={model}",
        "--dataset=prepared",
        f"--data_dir={data}",
        f"--run_dir={run_dir}",
        "--embedding_dim=8",
        # Of which the workers have halves, and the last batch is smaller.
        "--batch_size=15",
        "--epochs=2",
        "--min_steps_per_epoch=1",
        "--early_stopping_patience=0",
        *MODELS[model],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_two_workers_make_the_run_of_one(tmp_path, model):
    shares = {"valid_share": 0.1, "test_share": 0.1}
    if model == "dmf":
        write_cells(tmp_path / "a.csv")
        given = {"row_column": "user"}
        prepare_corpus(tmp_path / "a.csv", tmp_path / "data", **given, **shares)
    else:
        write_documents(tmp_path / "a.tsv")
        prepare_corpus(
            tmp_path / "a.tsv",
            tmp_path / "data",
            label_column="label",
            sentence_rule="graph" if model == "han" else None,
            **shares,
        )
    alone, together = tmp_path / "alone", tmp_path / "together"
    status, _, errors = ended(start(flags_of(model, tmp_path / "data", alone)))
    assert status == 0, errors
    flags = flags_of(model, tmp_path / "data", together)
    for status, _, errors in map(ended, start_two(flags)):
        assert status == 0, errors
    rows = []
    for folder in (alone, together):
        with open(folder / "metrics.csv", newline="") as file:
            rows.append(list(csv.DictReader(file)))
    assert len(rows[0]) == 2
    for mine, theirs in zip(*rows, strict=True):
        assert mine.keys() == theirs.keys()
        for name in ("loss", "val_loss"):
            assert float(mine[name]) == pytest.approx(
                float(theirs[name]), rel=1e-5
            )
    models = [load_model(each / "model.keras") for each in (alone, together)]
    for weight, other in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)
