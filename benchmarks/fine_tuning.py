"""Starts from a preset and from nothing, and takes as many steps from each.

    PYTHONPATH=. python benchmarks/fine_tuning.py

The texts are 3,000 sentences of film reviews, of which the preset, a language
model of addresses, has seen none. Each side chooses its own learning rate among
six by the validation set, and is then trained with three seeds; the test set
is read after that. What has ended is not repeated.
"""

import argparse
import csv
import pathlib
import subprocess
import sys

import numpy as np
import own_files

from keras_textgen.data.sentences import split_sentences

SIDES = {"preset": ["--preset=lstm_lm_sotu"], "nothing": []}
RATES = "0.0005,0.001,0.002,0.004,0.008,0.016"
SEEDS = "0,1,2"
NUM_SENTENCES, FEWEST_WORDS, MOST_WORDS = 3_000, 4, 25
# Alike for both: all epochs at one rate, the best by the validation set kept.
SETTINGS = (
    "--model=lstm_lm",
    "--dataset=text",
    "--epochs=12",
    "--nolr_halve_on_plateau",
    "--early_stopping_patience=0",
)


def write_sentences(path: pathlib.Path) -> None:
    """Write sentences of reviews, drawn with seed 0, if they are not there."""
    if path.is_file():
        return
    train, *_ = own_files.reviews()
    sentences = [
        sentence
        for _, text in train[:1000]
        for sentence in split_sentences(text.replace("<br />", " "))
        if FEWEST_WORDS <= len(sentence.split()) <= MOST_WORDS
    ]
    drawn = np.random.default_rng(0).permutation(len(sentences))
    lines = [sentences[row] for row in drawn[:NUM_SENTENCES]]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def train(*flags: str) -> None:
    """Run the trainer, which goes on with what was begun."""
    command = [sys.executable, own_files.ROOT / "trainer.py", *SETTINGS, *flags]
    print("\n$ python trainer.py", *SETTINGS, *flags, flush=True)
    subprocess.run(command, cwd=own_files.ROOT, check=True)


def best_rate(trials: pathlib.Path) -> str:
    """The learning rate of the first row, which is the best."""
    with trials.open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file))["learning_rate"]


def main() -> None:
    """Run both sides; their tables say which is ahead."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--runs",
        type=pathlib.Path,
        default=pathlib.Path("saved_models/fine_tuning"),
    )
    runs = parser.parse_args().runs.resolve()
    runs.mkdir(parents=True, exist_ok=True)
    texts = runs / "sentences.txt"
    write_sentences(texts)
    for side, flags in SIDES.items():
        flags = [*flags, f"--data_dir={texts}"]
        trials = runs / f"{side}_rates"
        train(
            *flags,
            "--mode=sweep",
            f"--sweep=learning_rate={RATES}",
            f"--run_dir={trials}",
        )
        train(
            *flags,
            f"--learning_rate={best_rate(trials / 'trials.csv')}",
            f"--seeds={SEEDS}",
            f"--run_dir={runs / side}",
        )


if __name__ == "__main__":
    main()
