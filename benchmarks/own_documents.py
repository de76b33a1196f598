"""Finds topics of documents as users bring them, by the default recipe.

The softmax autoencoder of `flags/sae_text.flags`, with as many topics as
labels, beside K-means on tf-idf and on its 50 leading dimensions (LSA), which
its run prints; three seeds each. Runs that are there already are not repeated.

    python benchmarks/own_documents.py --runs=FOLDER
    python benchmarks/own_documents.py --runs=FOLDER addresses
"""

import argparse
import pathlib

from own_runs import run

from keras_textgen.evaluation.topics import format_scores, scores_from_csv

CORPORA = ("parties", "addresses", "posts", "abstracts", "reviews")
SEEDS = range(3)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=pathlib.Path, required=True)
    parser.add_argument("corpora", nargs="*", default=CORPORA)
    options = parser.parse_args()
    runs = options.runs.resolve()
    runs.mkdir(parents=True, exist_ok=True)
    for corpus in options.corpora:
        tables = []
        for seed in SEEDS:
            log = run("sae", corpus, runs, seed)
            table = runs / f"sae_{corpus}_{seed}" / "topics.csv"
            tables.append(table.read_text("utf-8"))
        classified = [
            line
            for line in log.splitlines()
            if line.startswith("  ") and "logistic regression" in line
        ]
        print(f"{corpus}, {len(SEEDS)} seeds:\n")
        print(format_scores(scores_from_csv(tables)))
        print("\nthe last seed, accuracy and macro-F1 of the test set:")
        print("\n".join(classified) + "\n", flush=True)


if __name__ == "__main__":
    main()
