"""Classifies labeled texts as users bring them, by the default recipe.

The HAN of `flags/han_text.flags` beside the logistic regression that its run
prints, both chosen by the validation part; accuracy on the test part, in
percent. Runs that are there already are not repeated.

    python benchmarks/own_labels.py --runs=FOLDER
    python benchmarks/own_labels.py --runs=FOLDER questions intents
"""

import argparse
import pathlib
import re

from own_runs import run

CORPORA = (
    "questions",
    "abstracts",
    "sentences",
    "intents",
    "parties",
    "posts",
    "reviews",
)
_SIZES = re.compile(r"([\d,]+) training documents, (\d+) classes")
_HAN = re.compile(r"^ +han +(0\.\d+|1\.0+) ", re.MULTILINE)
_WORDS = re.compile(
    r"^ +(bag of words.*?), logistic regression \(C=(\d+)\) +(0\.\d+|1\.0+) ",
    re.MULTILINE,
)
_TIME = re.compile(r"^Took ([\d.]+) minutes", re.MULTILINE)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=pathlib.Path, required=True)
    parser.add_argument("corpora", nargs="*", default=CORPORA)
    options = parser.parse_args()
    runs = options.runs.resolve()
    runs.mkdir(parents=True, exist_ok=True)
    print("| corpus | texts | classes | HAN | words | | gain | minutes |")
    print("|---|---:|---:|---:|---:|---|---:|---:|", flush=True)
    for corpus in options.corpora:
        log = run("han", corpus, runs)
        documents, classes = _SIZES.search(log).groups()
        han = 100 * float(_HAN.search(log)[1])
        name, c, accuracy = _WORDS.search(log).groups()
        words = 100 * float(accuracy)
        cells = [
            corpus,
            documents,
            classes,
            f"{han:.1f}",
            f"{words:.1f}",
            f"{name}, C={c}",
            f"{han - words:+.1f}",
            _TIME.search(log)[1],
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
