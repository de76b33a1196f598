"""Documents, topics and matrices on the page of results."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from run_folders import NONE, Run, by_corpus, link, table, tables

from keras_textgen.cli import settings
from keras_textgen.evaluation.topics import format_scores, scores_from_csv
from keras_textgen.specs import SPECS

DOCUMENTS = """\
## Documents

Hierarchical attention networks (see [their page](models/han.md)), each beside
logistic regression on the words of whole documents, which is trained on the
same documents. "macro-F1" is the mean of the classes' F1. The `imdb` of papers
on ratings is another, larger corpus with ten classes, so nothing published is
set beside these.
"""
TOPICS = """\
## Topics

Softmax autoencoders (see [their page](models/sae.md), which says what the
figures are) and [ProdLDA](models/prodlda.md), beside K-means on tf-idf and on
its leading 50 dimensions, LDA and NMF, with the same words, numbers of topics
and reference counts. "±" is the standard deviation over seeds; on `20news` a
figure without it is of seed 0 alone.
The activation, alpha and the limits on words were chosen on `20news`, seed 0,
while figures of its test set could be seen; seeds 1 and 2 had no part in it.
"""
MATRICES = """\
## Matrices

Dual matrix factorization (see [its page](models/dmf.md)). `biased` is biased
matrix factorization, the same class without hidden layers and features;
`ranking` has factors of histories, and learns which movies come first.
Rankings are of all columns that training and validation do not have; beside
them stand those by popularity, the number of known values of a column. Where
these are higher, a list of what is popular recommends better: so it does than
models of explicit feedback, which learn values and no order.

"published" are figures of the [README of
Surprise](https://github.com/NicolasHug/Surprise/blob/2381fb1/README.md), means
of five random folds of its own, not of those that MovieLens publishes.
"""
# What a line of figures begins with, of which rankings have popularity beside.
ERRORS, RANKINGS = ("RMSE", "MAE"), ("Recall@10", "NDCG@10")
MATRIX_HEADINGS = (
    *ERRORS,
    *(each for name in RANKINGS for each in (name, "by popularity")),
)
FOLD = re.compile(r"(.+)_fold\d")


def sections(runs: Sequence[Run]) -> list[str]:
    """Sections for the models that have runs."""
    parts = []
    for kind, heading, figures in (
        ("documents", DOCUMENTS, _document_table),
        ("topics", TOPICS, _topic_tables),
        ("matrices", MATRICES, _matrix_table),
    ):
        of_kind = [
            run for run in runs if SPECS[run.flags["model"]].kind == kind
        ]
        if of_kind:
            parts += [heading, *tables(figures, of_kind)]
    return parts


def _document_table(runs: Sequence[Run]) -> str:
    headings = ["run", "corpus", "label", "system", "accuracy", "macro-F1"]
    rows = []
    for run in runs:
        for system, line in run.figures.items():
            figures = re.fullmatch(r"(\d\.\d+) +(\d\.\d+)", line)
            if figures:
                rows.append(
                    [
                        link(run),
                        run.corpus,
                        run.flags["label"].replace(settings.DEFAULT, NONE),
                        system,
                        *figures.groups(),
                    ]
                )
    return table(headings, rows)


def _topic_tables(runs: Sequence[Run]) -> str:
    """A table for each corpus, over all its runs."""
    parts = []
    for corpus, here in by_corpus(runs).items():
        # Runs of several models have the same baselines.
        scores = {
            (each.method, each.split, each.seed): each
            for each in scores_from_csv(run.topics for run in here)
        }.values()
        count = len({each.seed for each in scores})
        seeds = "1 seed" if count == 1 else f"{count} seeds"
        text = format_scores(scores)
        parts.append(f"`{corpus}`, {seeds}:\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _matrix_table(runs: Sequence[Run]) -> str:
    """Each run, means of folds, and what has been published of them."""
    rows = [
        [link(run), run.corpus, *map(_four_decimals, _matrix_figures(run))]
        for run in runs
    ]
    folds = [run for run in runs if FOLD.fullmatch(run.name)]
    names = [FOLD.fullmatch(run.name)[1] for run in folds]
    for name in dict.fromkeys(names):
        each = [
            _matrix_figures(run)
            for run, of in zip(folds, names, strict=True)
            if of == name
        ]
        # A figure that no run has, such as a ranking's error, has no mean.
        means = [
            None if None in figures else np.mean(figures)
            for figures in zip(*each, strict=True)
        ]
        cells = map(_four_decimals, means)
        rows.append([f"**{name}**", f"mean of {len(each)} folds", *cells])
    others = [NONE] * (len(MATRIX_HEADINGS) - 1)
    for name, rmse in _published(folds):
        rows.append([f"{name}, published", "mean of 5 folds", rmse, *others])
    return table(["run", "corpus", *MATRIX_HEADINGS], rows)


def _matrix_figures(run: Run) -> list[float | None]:
    """In the order of `MATRIX_HEADINGS`."""
    figures = [run.number(name) for name in ERRORS]
    for name in RANKINGS:
        line = run.figures.get(name, "")
        popular = re.search(r"ranked by popularity ([\d.]+)", line)
        figures += [run.number(name), float(popular[1]) if popular else None]
    return figures


def _four_decimals(number: float | None) -> str:
    return NONE if number is None else f"{number:.4f}"


def _published(runs: Iterable[Run]) -> list[tuple[str, str]]:
    """Names and RMSE, as the runs print them."""
    printed = (run.printed or NONE for run in runs)
    lines = re.findall(r"RMSE published, .*?: (.*)", "\n".join(printed))
    return re.findall(r"([^\s,][^,]*?) (\d\.\d+)", lines[0]) if lines else []
