"""Factorizes the five published folds of MovieLens 100K and prints a table.

Biased matrix factorization and the dual network of `flags/dmf_ml100k.flags`,
a run of `trainer.py` each; runs that are there already are not repeated.

    python benchmarks/ml100k_folds.py --data_dir=DIR
"""

import argparse
import csv
import pathlib
import subprocess
import sys

import numpy as np

from keras_textgen.tasks.matrices import PUBLISHED_RMSE

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What makes of the recipe biased matrix factorization, and its own settings.
BIASED = [
    "--hidden_layers=none",
    "--multi_level=false",
    "--side_features=false",
    "--history_features=false",
    "--l2=0.1",
    "--learning_rate=0.002",
]
MODELS = {"biased": BIASED, "dual": []}
FOLDS = range(1, 6)
FIGURES = ("rmse", "mae", "recall@10", "ndcg@10")


def run(name: str, fold: int, data_dir: str, runs: pathlib.Path) -> list[float]:
    """The figures of one run, in the order of `FIGURES`."""
    folder = (runs / f"dmf_ml100k_{name}_fold{fold}").resolve()
    results = folder / "results.csv"
    if not results.is_file():
        command = [
            sys.executable,
            ROOT / "trainer.py",
            "--model=dmf",
            "--dataset=ml100k",
            f"--data_dir={data_dir}",
            f"--fold={fold}",
            f"--run_dir={folder}",
            *MODELS[name],
        ]
        with (runs / f"{name}_fold{fold}.log").open("w") as log:
            subprocess.run(command, stdout=log, cwd=ROOT, check=True)
    with results.open(encoding="utf-8") as lines:
        figures = {
            line["figure"]: float(line["value"])
            for line in csv.DictReader(lines)
        }
    return [figures[figure] for figure in FIGURES]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument(
        "--runs", type=pathlib.Path, default=pathlib.Path("saved_models")
    )
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    data_dir = str(pathlib.Path(options.data_dir).resolve())
    print(f"| model | fold | {' | '.join(FIGURES)} |", flush=True)
    print("|---|---|" + "---|" * len(FIGURES))
    for name in MODELS:
        figures = []
        for fold in FOLDS:
            figures.append(run(name, fold, data_dir, options.runs))
            print(row(name, str(fold), figures[-1]), flush=True)
        print(row(name, "mean", np.mean(figures, axis=0)), flush=True)
    for name, rmse in PUBLISHED_RMSE.items():
        print(row(f"{name}, published", "mean", [rmse]))


def row(name: str, fold: str, figures: list[float] | np.ndarray) -> str:
    """A row of the table."""
    values = [f"{figure:.4f}" for figure in figures]
    values += [""] * (len(FIGURES) - len(values))
    return f"| {' | '.join([name, fold, *values])} |"


if __name__ == "__main__":
    main()
