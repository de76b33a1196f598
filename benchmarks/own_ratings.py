"""Trains on ratings as a user's own, with the default recipe, beside baselines.

Two generated tables of 100,000 ratings and MovieLens 100K without features: as
a table (`u.data` with names) and in its five published folds. Each is trained
with explicit feedback and by ranking, a run of `trainer.py` each; runs that are
there already are not repeated.

    python benchmarks/own_ratings.py --data_dir=DIR --runs=runs
"""

import argparse
import csv
import pathlib
import subprocess
import sys
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUM_ROWS, NUM_COLUMNS, NUM_RATINGS = 1500, 800, 100_000
RANK = 5
# Standard deviations of what a rating is made of.
ROW_BIAS, COLUMN_BIAS, TASTE, NOISE = 0.45, 0.5, 0.6, 0.8
# Of the logarithms of how active rows and how popular columns are.
ACTIVITY, POPULARITY = 0.8, 1.0
FOLDS = range(1, 6)
# What is read of a run: figures of the model and of the baseline beside it.
FIGURES = {
    "explicit": ("rmse", "global mean rmse", "biases rmse", "mae"),
    "ranking": (
        "recall@10",
        "popularity recall@10",
        "ndcg@10",
        "popularity ndcg@10",
    ),
}


def generated_table(kind: str, seed: int) -> list[tuple[int, int, float]]:
    """Ratings of pairs drawn without regard to taste.

    Args:
        kind: "low_rank" or "biases": with a product of factors, or without.
        seed: Of everything random.

    Returns:
        Row, column and rating, 100,000 times.
    """
    generator = np.random.default_rng(seed)
    weights = np.add.outer(
        ACTIVITY * generator.normal(size=NUM_ROWS),
        POPULARITY * generator.normal(size=NUM_COLUMNS),
    )
    # The highest of logarithms with Gumbel noise are a sample without
    # replacement.
    keys = (weights + generator.gumbel(size=weights.shape)).ravel()
    drawn = np.argpartition(-keys, NUM_RATINGS)[:NUM_RATINGS]
    rows, columns = np.divmod(generator.permutation(drawn), NUM_COLUMNS)
    values = (
        3.5
        + ROW_BIAS * generator.normal(size=NUM_ROWS)[rows]
        + COLUMN_BIAS * generator.normal(size=NUM_COLUMNS)[columns]
        + NOISE * generator.normal(size=NUM_RATINGS)
    )
    if kind == "low_rank":
        of_rows = generator.normal(size=(NUM_ROWS, RANK))
        of_columns = generator.normal(size=(NUM_COLUMNS, RANK))
        products = np.sum(of_rows[rows] * of_columns[columns], axis=1)
        values += TASTE * products / np.sqrt(RANK)
    return list(
        zip(rows.tolist(), columns.tolist(), values.round(3), strict=True)
    )


def movielens_table(archive: pathlib.Path) -> list[list[str]]:
    """User, item and rating of the lines of `u.data`."""
    with zipfile.ZipFile(archive) as members:
        text = members.read("ml-100k/u.data").decode("ascii")
    return [line.split("\t")[:3] for line in text.splitlines()]


def write_table(path: pathlib.Path, ratings: list) -> None:
    """A table as `--dataset=ratings` reads it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "item", "rating"])
        writer.writerows(ratings)


def train(
    name: str, feedback: str, flags: list[str], runs: pathlib.Path
) -> list[float]:
    """The figures of one run, in the order of `FIGURES`."""
    folder = runs / f"{name}_{feedback}"
    if not (folder / "results.csv").is_file():
        command = [sys.executable, ROOT / "trainer.py", "--model=dmf", *flags]
        command += [f"--run_dir={folder}"]
        if feedback != "explicit":
            command.append(f"--feedback={feedback}")
        with (runs / f"{folder.name}.log").open("w") as log:
            subprocess.run(command, stdout=log, cwd=ROOT, check=True)
    with (folder / "results.csv").open(encoding="utf-8") as lines:
        figures = {
            line["figure"]: float(line["value"])
            for line in csv.DictReader(lines)
        }
    return [figures[figure] for figure in FIGURES[feedback]]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True, type=pathlib.Path)
    parser.add_argument("--runs", required=True, type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    runs = options.runs.resolve()
    runs.mkdir(parents=True, exist_ok=True)
    archive = options.data_dir.resolve() / "ml-100k.zip"
    tables = {
        "low_rank": generated_table("low_rank", options.seed),
        "biases": generated_table("biases", options.seed + 1),
        "movielens": movielens_table(archive),
    }
    runs_of: dict[str, list[str]] = {}
    for name, ratings in tables.items():
        write_table(runs / f"{name}.csv", ratings)
        path = runs / f"{name}.csv"
        runs_of[name] = ["--dataset=ratings", f"--data_dir={path}"]
    for fold in FOLDS:
        runs_of[f"movielens_fold{fold}"] = [
            "--dataset=ml100k",
            f"--data_dir={archive}",
            f"--flagfile={ROOT / 'flags' / 'dmf_ratings.flags'}",
            "--noside_features",
            "--nohistory_features",
            f"--fold={fold}",
        ]
    for feedback, names in FIGURES.items():
        print(f"\n| {feedback} | {' | '.join(names)} |", flush=True)
        print("|---|" + "---|" * len(names))
        of_folds = []
        for name, flags in runs_of.items():
            figures = train(name, feedback, flags, runs)
            print(row(name, figures), flush=True)
            if "fold" in name:
                of_folds.append(figures)
        print(row("movielens, mean of folds", np.mean(of_folds, axis=0)))


def row(name: str, figures: list[float] | np.ndarray) -> str:
    """A row of the table."""
    return f"| {name} | {' | '.join(f'{each:.4f}' for each in figures)} |"


if __name__ == "__main__":
    main()
