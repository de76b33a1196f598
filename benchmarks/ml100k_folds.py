"""Factorizes the five published folds of MovieLens 100K and prints a table.

Biased matrix factorization, the dual network of `flags/dmf_ml100k.flags`, and
factors that rank, a run of `trainer.py` for each, each fold and each of three
seeds; runs that are there already are not repeated. A mean is that of five
folds, and what follows it the deviation of that mean from seed to seed.

    python benchmarks/ml100k_folds.py --data_dir=DIR
    python benchmarks/ml100k_folds.py --data_dir=DIR dual
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
    "--embedding_dim=50",
    "--feature_dim=50",
    "--l2=0.1",
    "--kernel_l2=0.003",
    "--batch_size=2000",
    "--learning_rate=0.002",
]
# Factors of users and movies, and of which movies a user has and which users a
# movie has; from popularity on. No features from elsewhere.
RANKING = [
    "--feedback=ranking",
    "--start_at_baseline",
    "--side_features=false",
    "--hidden_layers=none",
    "--multi_level=false",
    "--l2=0.1",
    "--learning_rate=0.001",
]
MODELS = {
    "biased": BIASED,
    "dual": [],
    # As much as was held out when the recipe's settings were chosen.
    "dual_of_95_percent": ["--validation_share=0.05"],
    "ranking": RANKING,
}
FOLDS = range(1, 6)
SEEDS = range(3)
FIGURES = ("rmse", "mae", "recall@10", "ndcg@10", "recall@50", "ndcg@50")


def run(
    name: str, fold: int, seed: int, data_dir: str, runs: pathlib.Path
) -> list[float]:
    """The figures of a run, in the order of `FIGURES`; NaN for none."""
    suffix = f"_seed{seed}" if seed else ""
    folder = (runs / f"dmf_ml100k_{name}_fold{fold}{suffix}").resolve()
    results = folder / "results.csv"
    if not results.is_file():
        command = [
            sys.executable,
            ROOT / "trainer.py",
            "--model=dmf",
            "--dataset=ml100k",
            f"--data_dir={data_dir}",
            f"--fold={fold}",
            *([f"--seed={seed}"] if seed else []),
            f"--run_dir={folder}",
            *MODELS[name],
        ]
        with (runs / f"{folder.name}.log").open("w") as log:
            subprocess.run(command, stdout=log, cwd=ROOT, check=True)
    with results.open(encoding="utf-8") as lines:
        figures = {
            line["figure"]: float(line["value"])
            for line in csv.DictReader(lines)
        }
    return [figures.get(figure, np.nan) for figure in FIGURES]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument(
        "--runs", type=pathlib.Path, default=pathlib.Path("saved_models")
    )
    parser.add_argument("models", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    data_dir = str(pathlib.Path(options.data_dir).resolve())
    print(f"| model | fold | seed | {' | '.join(FIGURES)} |", flush=True)
    print("|---|---|---|" + "---|" * len(FIGURES))
    for name in options.models:
        of_seeds = []
        for seed in SEEDS:
            of_folds = []
            for fold in FOLDS:
                figures = run(name, fold, seed, data_dir, options.runs)
                of_folds.append(figures)
                print(row(name, fold, seed, numbers(figures)), flush=True)
            of_seeds.append(np.mean(of_folds, axis=0))
        means = numbers(np.mean(of_seeds, axis=0))
        deviations = numbers(np.std(of_seeds, axis=0, ddof=1))
        cells = [
            f"{mean} ± {deviation}" if mean else ""
            for mean, deviation in zip(means, deviations, strict=True)
        ]
        print(row(name, "mean", "all", cells), flush=True)
    for name, rmse in PUBLISHED_RMSE.items():
        print(row(f"{name}, published", "mean", "", [f"{rmse:.3f}"]))


def numbers(figures: list[float] | np.ndarray) -> list[str]:
    """Cells of a row; an empty one of what there is not."""
    return ["" if np.isnan(each) else f"{each:.4f}" for each in figures]


def row(name: str, fold: int | str, seed: int | str, cells: list[str]) -> str:
    """A row of the table."""
    cells = cells + [""] * (len(FIGURES) - len(cells))
    return f"| {' | '.join([name, str(fold), str(seed), *cells])} |"


if __name__ == "__main__":
    main()
