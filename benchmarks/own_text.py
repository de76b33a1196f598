"""Trains the recipes for a user's own text on one such text and judges them.

30,000 sentences of 4 to 16 words of the State of the Union addresses are
written to a file, as a user would give one, and 10,000 others, of the same
kind, are kept from all models: a language model trained on those judges what
the models generate. Sentences that are longer are cut at semicolons, colons,
dashes and commas, since the addresses have too few short ones.

    python benchmarks/own_text.py
    python benchmarks/own_text.py --models=hdgm,vae,lstm_vae

A run that is finished is not repeated, one that was stopped goes on. The
language model, which the bounds stand beside, is always there. Of each model
1,000 samples are judged, at the recipe's temperature and at 1, beside 1,000
test sentences.
"""

import argparse
import pathlib
import re
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

from keras_textgen import load_model
from keras_textgen.cli.settings import read_flagfile
from keras_textgen.data.readers.sotu import (
    address_sentences,
    load_sotu_documents,
)
from keras_textgen.data.readers.text import read_text
from keras_textgen.data.vocabulary import split_words
from keras_textgen.evaluation.sample_quality import (
    copied_share,
    distinct_ngrams,
    judged_perplexity,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUM_LINES, NUM_HELD_OUT = 30_000, 10_000
FEWEST_WORDS, MOST_WORDS = 4, 16
# From the strongest mark of a clause's end to the weakest.
CLAUSE_ENDS = (r"(?<=[;:])\s+|\s*(?:--|—)\s*", r"(?<=,)\s+")
NUM_SAMPLES = 1000
BASELINE = "lstm_lm"
LINE = re.compile(r"^  (\S.*?) {2,}(-?[\d.,]+)", re.MULTILINE)
HEADINGS = (
    "model",
    "temperature",
    "copies",
    "distinct-1",
    "distinct-2",
    "judge's perplexity",
)


def write_texts(own: pathlib.Path, held_out: pathlib.Path) -> None:
    """Write the user's file and the one held out, drawn with seed 0."""
    longer = [
        sentence
        for document in load_sotu_documents()
        for sentence in address_sentences(document.text)
    ]
    generator = np.random.default_rng(0)
    chosen, longer = _parted(longer)
    for mark in CLAUSE_ENDS:
        short, longer = _parted(
            [part for each in longer for part in re.split(mark, each)]
        )
        needed = NUM_LINES + NUM_HELD_OUT - len(chosen)
        drawn = generator.permutation(len(short))[:needed]
        chosen += [short[index] for index in drawn]
    lines = [chosen[index] for index in generator.permutation(len(chosen))]
    for path, part in (
        (own, lines[:NUM_LINES]),
        (held_out, lines[NUM_LINES:]),
    ):
        path.write_text("\n".join(part) + "\n", encoding="utf-8")


def _parted(texts: list[str]) -> tuple[list[str], list[str]]:
    """Those of an allowed length, and those that are longer."""
    lengths = [len(text.split()) for text in texts]
    pairs = list(zip(texts, lengths, strict=True))
    return (
        [text for text, n in pairs if FEWEST_WORDS <= n <= MOST_WORDS],
        [text for text, n in pairs if n > MOST_WORDS],
    )


def train(model: str, text: pathlib.Path, run: pathlib.Path) -> str:
    """Run a recipe unless it has been; returns what its sittings printed."""
    log = run.with_suffix(".log")
    finished = re.compile("^Took ", re.MULTILINE)
    if not log.is_file() or not finished.search(log.read_text("utf-8")):
        command = [
            sys.executable,
            ROOT / "trainer.py",
            f"--model={model}",
            "--dataset=text",
            f"--data_dir={text.resolve()}",
            f"--run_dir={run.resolve()}",
        ]
        with log.open("a", encoding="utf-8") as output:
            subprocess.run(command, stdout=output, cwd=ROOT, check=True)
    return log.read_text("utf-8")


def figures(log: str) -> dict[str, float]:
    """The test figures by name, and the minutes of the whole run."""
    printed = log.rpartition("\nTest set, ")[2].partition("\n\n")[0]
    numbers = {
        name: float(value.replace(",", ""))
        for name, value in LINE.findall(printed)
    }
    return numbers | {"minutes": float(re.findall(r"Took ([\d.]+)", log)[-1])}


def words(texts: Sequence[str]) -> list[str]:
    """Texts as the models read them, but with every word."""
    return [
        " ".join(word.decode() for word in row)
        for row in split_words(list(texts)).numpy()
    ]


class Judge:
    """Judges texts beside the texts of the user's file."""

    def __init__(self, own: pathlib.Path, model: pathlib.Path) -> None:
        texts = read_text(own)
        self.training = words(texts.train)
        self.real = words(texts.test[:NUM_SAMPLES])
        self.model = load_model(model)

    def row(self, name: str, temperature: str, texts: list[str]) -> list[str]:
        """A row of the table."""
        measured = self.measure(texts)
        return [
            name,
            temperature,
            f"{measured['copies']:.1%}",
            f"{measured['distinct-1']:.3f}",
            f"{measured['distinct-2']:.3f}",
            f"{measured['perplexity']:.1f}",
        ]

    def measure(self, texts: list[str]) -> dict[str, float]:
        """The figures of some texts."""
        return {
            "copies": copied_share(texts, self.training),
            "distinct-1": distinct_ngrams(texts, 1),
            "distinct-2": distinct_ngrams(texts, 2),
            "perplexity": judged_perplexity(self.model, texts),
        }


def samples(run: pathlib.Path, temperature: float | None = None) -> list[str]:
    """Generated texts, by the settings of the run."""
    settings = read_flagfile(run / "flags.txt")
    return load_model(run / "model.keras").generate(
        NUM_SAMPLES,
        temperature=temperature or settings.sampling_temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        ban_unknown=settings.ban_unknown,
    )


def print_targets(
    of_model: dict[str, float],
    of_baseline: dict[str, float],
    of_samples: dict[str, float],
    of_real: dict[str, float],
) -> None:
    """Set what was measured beside what is asked of the default model."""
    over = {
        "bound, nats over the language model": -of_model["bound"],
        "importance-weighted bound, nats over the language model": -of_model[
            "importance-weighted bound"
        ],
    }
    over = {
        name: nats + of_baseline["log-likelihood"]
        for name, nats in over.items()
    }
    most = {
        **dict.fromkeys(over, 2.0),
        "copies, share of samples": 0.05,
        "judge's perplexity, over real text's": 2.0,
        "minutes": 20.0,
    }
    least = {
        "KL, nats": 2.0,
        "mutual information, nats": 1.5,
        "active units": 10.0,
        "distinct-2, over real text's": 0.5,
    }
    measured = over | {
        "copies, share of samples": of_samples["copies"],
        "judge's perplexity, over real text's": (
            of_samples["perplexity"] / of_real["perplexity"]
        ),
        "minutes": of_model["minutes"],
        "KL, nats": of_model["KL"],
        "mutual information, nats": of_model["mutual information"],
        "active units": of_model["active units"],
        "distinct-2, over real text's": (
            of_samples["distinct-2"] / of_real["distinct-2"]
        ),
    }
    for name, value in measured.items():
        is_met = value <= most[name] if name in most else value > least[name]
        target = (
            f"at most {most[name]:g}"
            if name in most
            else (f"above {least[name]:g}")
        )
        verdict = "met" if is_met else "NOT MET"
        print(f"  {name:56} {value:8.3f}  {target:12} {verdict}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="hdgm")
    parser.add_argument(
        "--runs", type=pathlib.Path, default=pathlib.Path("saved_models")
    )
    options = parser.parse_args()
    folder = options.runs / "own_text"
    folder.mkdir(parents=True, exist_ok=True)
    own, held_out = folder / "own.txt", folder / "held_out.txt"
    write_texts(own, held_out)
    train(BASELINE, held_out, folder / "judge")
    judge = Judge(own, folder / "judge" / "model.keras")
    models = [BASELINE, *options.models.split(",")]
    numbers, of_samples = {}, {}
    rows = [judge.row("real text", "", judge.real)]
    for model in models:
        run = folder / model
        log = train(model, own, run)
        numbers[model] = figures(log)
        print(f"\n{model}:\nTest set, {log.rpartition('Test set, ')[2]}")
        texts = samples(run)
        of_samples[model] = judge.measure(texts)
        rows.append(judge.row(model, "recipe's", texts))
        rows.append(judge.row(model, "1", samples(run, 1.0)))
    print("\n" + "  ".join(f"{heading:>11}" for heading in HEADINGS))
    for row in rows:
        print("  ".join(f"{value:>11}" for value in row))
    for model in models:
        if "bound" in numbers[model]:
            print(f"\n{model}, beside what is asked of the default model:")
            print_targets(
                numbers[model],
                numbers[BASELINE],
                of_samples[model],
                judge.measure(judge.real),
            )


if __name__ == "__main__":
    main()
