"""How good topics are: agreement with labels, coherence, diversity."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import homogeneity_completeness_v_measure

from keras_textgen.evaluation.classification import (
    logistic_regression,
    system_scores,
    system_table,
)
from keras_textgen.evaluation.text_tables import aligned, csv_text
from keras_textgen.evaluation.topic_methods import FoundTopics, baseline_topics
from keras_textgen.evaluation.watching import Watch, unwatched

_MEASURES = """\
NPMI and diversity: ten words a topic, for the SAE those that it makes likelier
than all topics do, for ProdLDA, LDA and NMF those of its highest weights, else
those of the highest mean tf-idf; together in documents of the training set."""
_FIGURES_OF_WORDS = ("npmi", "diversity")
_FIGURES = ("homogeneity", "completeness", "v_measure", *_FIGURES_OF_WORDS)
_HEADINGS = {"v_measure": "V-measure", "npmi": "NPMI"}


@dataclasses.dataclass(frozen=True)
class TopicScores:
    """How good the topics of one method are on one split.

    Attributes:
        method: its name.
        split: "train" or "test".
        seed: of method and clustering.
        topics: number of topics.
        homogeneity: 1 if all documents of a topic have one label; None
            without labels, as the next two.
        completeness: 1 if all documents of a label have one topic.
        v_measure: harmonic mean of the two.
        npmi: coherence of the topics' words, from -1 to 1, in the training
            documents; None in rows of "test", as the next.
        diversity: share of different words among those of all topics.
    """

    method: str
    split: str
    seed: int
    topics: int
    homogeneity: float | None
    completeness: float | None
    v_measure: float | None
    npmi: float | None
    diversity: float | None


def npmi_coherence(
    top_words: Sequence[Sequence[int]] | np.ndarray,
    reference: scipy.sparse.csr_array,
) -> np.ndarray:
    """Normalized pointwise mutual information of the words of topics.

    Of two words, log(p(a, b) / (p(a) p(b))) / -log p(a, b), p being shares of
    the reference's documents (Bouma 2009; Lau et al. 2014): 1 for words that
    are only ever together, 0 for independent ones, -1 for words that are
    never together or not in the reference at all.

    Args:
        top_words: columns of the words of each topic; -1 stands for none.
        reference: counts of words, CSR [documents, words]: what co-occurrence
            is counted in.

    Returns:
        The mean over the pairs of words of each topic, float [topics]; NaN
        for a topic of fewer than two words.

    Example:
        >>> reference = scipy.sparse.csr_array([[1, 2], [3, 1], [0, 0]])
        >>> npmi_coherence([[0, 1]], reference)
        array([1.])
    """
    has_word = scipy.sparse.csc_array(reference > 0, dtype=np.float64)
    documents = has_word.shape[0]
    coherence = []
    for words in map(np.asarray, top_words):
        columns = has_word[:, words[words >= 0]]
        together = (columns.T @ columns).toarray() / documents
        pairs = np.triu_indices(len(together), k=1)
        alone = np.diag(together)
        values = _npmi(together[pairs], alone[pairs[0]], alone[pairs[1]])
        coherence.append(np.mean(values) if len(values) else np.nan)
    return np.array(coherence)


def _npmi(
    both: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    values = np.full(both.shape, -1.0)
    # In every document: the limit of words that are only ever together.
    values[both == 1] = 1.0
    some = (both > 0) & (both < 1)
    information = np.log(both[some] / (first[some] * second[some]))
    values[some] = information / -np.log(both[some])
    return values


def topic_diversity(top_words: Sequence[Sequence[int]] | np.ndarray) -> float:
    """Share of different words among those of all topics (Dieng et al. 2020).

    Args:
        top_words: columns of the words of each topic; -1 stands for none.

    Returns:
        1 if no word is in two topics; 1 / topics if all have the same; NaN if
        there are no words.

    Example:
        >>> topic_diversity([[0, 1], [1, 2]])
        0.75
    """
    words = np.asarray(top_words)
    words = words[words >= 0]
    return len(np.unique(words)) / len(words) if len(words) else np.nan


def compare_topics(
    found: Mapping[str, FoundTopics],
    labels: tuple[np.ndarray, np.ndarray] | None,
    reference: scipy.sparse.csr_array,
    num_topics: int = 20,
    seed: int = 0,
) -> list[TopicScores]:
    """Scores the topics of several methods.

    Args:
        found: topics of training and test documents by method.
        labels: of the same documents; None for no agreement with labels.
        reference: counts of words of the documents in which co-occurrence is
            counted for coherence.
        num_topics: number of topics.
        seed: of the methods, put into the scores.

    Returns:
        For each method, scores of "train", with coherence and diversity, and,
        where there are labels, of "test".
    """
    scores = []
    for method, topics in found.items():
        coherence = npmi_coherence(topics.words, reference)
        coherence = coherence[~np.isnan(coherence)]
        npmi = float(np.mean(coherence)) if len(coherence) else np.nan
        diversity = topic_diversity(topics.words)
        splits = {"train": topics.train, "test": topics.test}
        if labels is None:
            del splits["test"]
        for place, (split, of_documents) in enumerate(splits.items()):
            agreement = (None, None, None)
            if labels is not None:
                agreement = homogeneity_completeness_v_measure(
                    labels[place], of_documents
                )
            of_words = (npmi, diversity) if split == "train" else (None, None)
            scores.append(
                TopicScores(
                    method, split, seed, num_topics, *agreement, *of_words
                )
            )
    return scores


def topic_report(
    found: Mapping[str, FoundTopics],
    codes: Mapping[str, np.ndarray],
    counts: Mapping[str, scipy.sparse.csr_array],
    labels: Mapping[str, np.ndarray],
    *,
    num_topics: int = 20,
    seed: int = 0,
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """All figures of a model's topics, beside those that nobody has to train.

    Args:
        found: The model's topics, by what tables call the model.
        codes: By split ("train", "valid", "test"), [documents, D].
        counts: Of words of the same documents, CSR, by split.
        labels: Of the same documents, by split; empty for none.
        num_topics: Number of topics.
        seed: Of the baselines.
        watch: Sees how classifiers advance.

    Returns:
        `documents` of the test set; `topics`, their number; `scores`, as
        `compare_topics` gives them; `codes`, as given. With labels, also
        `predicted`, classes of the test documents by classifiers of the codes
        and of the words, by name; `labels`, the right ones; and `systems`,
        `system_scores` of the classifiers.
    """
    train, test = counts["train"], counts["test"]
    scores = compare_topics(
        {**found, **baseline_topics(train, test, num_topics, seed)},
        (labels["train"], labels["test"]) if labels else None,
        reference=train,
        num_topics=num_topics,
        seed=seed,
    )
    report = {
        "documents": test.shape[0],
        "topics": num_topics,
        "scores": scores,
        "codes": codes,
    }
    if not labels:
        return report
    predicted = classified_codes(codes, counts, labels, watch=watch)
    systems = {
        name: system_scores(each, labels["test"])
        for name, each in predicted.items()
    }
    return {
        **report,
        "predicted": predicted,
        "labels": labels["test"],
        "systems": systems,
    }


def classified_codes(
    codes: Mapping[str, np.ndarray],
    counts: Mapping[str, scipy.sparse.csr_array],
    labels: Mapping[str, np.ndarray],
    *,
    watch: Watch = unwatched,
) -> dict[str, np.ndarray]:
    """What codes still say of the labels, beside the words themselves.

    Args:
        codes: As in `topic_report`.
        counts: As in `topic_report`.
        labels: As in `topic_report`; two different ones or more in training.
        watch: As in `topic_report`.

    Returns:
        Classes of the test documents, by the name of the classifier.

    Example:
        >>> counts = scipy.sparse.csr_array([[2, 0], [0, 1], [1, 0], [0, 3]])
        >>> splits = ("train", "valid", "test")
        >>> predicted = classified_codes(
        ...     {split: counts.toarray() for split in splits},
        ...     {split: counts for split in splits},
        ...     {split: np.array([0, 1, 0, 1]) for split in splits},
        ... )
        >>> [each.tolist() for each in predicted.values()]
        [[0, 1, 0, 1], [0, 1, 0, 1]]
    """
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts["train"])
    words = {split: weighting.transform(each) for split, each in counts.items()}
    found = (
        logistic_regression("codes", codes, labels, watch=watch),
        logistic_regression("words", words, labels, watch=watch),
    )
    return {each.name: each.predicted for each in found}


def format_topics(report: Mapping[str, Any]) -> str:
    """Sets a `topic_report` as tables of topics and of classifiers.

    Example:
        >>> row = TopicScores("LSA", "train", 0, 2, None, None, None, 0.5, 1.0)
        >>> print(format_topics({"scores": [row]}).splitlines()[0])
        method   NPMI  diversity
    """
    text = f"{format_scores(report['scores'])}\n{_MEASURES}"
    if "bound" in report:
        text += f"\n\n{_bound_text(report['bound'])}"
    if "systems" in report:
        text += f"\n\n{system_table(report['systems'])}"
    return text


def _bound_text(bound: Mapping[str, Any]) -> str:
    """A bound of the likelihood of the test documents, in a line."""
    return (
        f"{bound['likelihood_kind']} of log p(words in their order), test: "
        f"{bound['elbo']:.2f} nats a document (nll {bound['nll']:.2f}, KL "
        f"{bound['kl']:.2f}), perplexity per word {bound['perplexity']:.2f}"
    )


def format_scores(scores: Iterable[TopicScores]) -> str:
    """Sets scores as a table, mean and standard deviation over seeds.

    Args:
        scores: of one or more seeds.

    Returns:
        A line for each method and split; with several seeds, "mean ± sd".
        Without labels, a line for each method.

    Example:
        >>> rows = [
        ...     TopicScores("LSA", "train", seed, 20, 0.4, 0.5, v, 0.1, 1.0)
        ...     for seed, v in enumerate([0.42, 0.46])
        ... ]
        >>> print(format_scores(rows[:1]))
        method  split  homogeneity  completeness  V-measure   NPMI  diversity
        LSA     train        0.400         0.500      0.420  0.100      1.000
        >>> "0.440 ± 0.028" in format_scores(rows)
        True
        >>> row = TopicScores("LSA", "train", 0, 9, None, None, None, 0.1, 1.0)
        >>> print(format_scores([row]))
        method   NPMI  diversity
        LSA     0.100      1.000
    """
    scores = list(scores)
    keys: tuple[str, ...] = ("method", "split")
    names: tuple[str, ...] = _FIGURES
    if all(each.v_measure is None for each in scores):
        keys, names = ("method",), _FIGURES_OF_WORDS
        scores = [each for each in scores if each.npmi is not None]
    groups: dict[tuple[str, ...], list[TopicScores]] = {}
    for each in scores:
        key = tuple(getattr(each, name) for name in keys)
        groups.setdefault(key, []).append(each)
    lines = [[*keys, *(_HEADINGS.get(name, name) for name in names)]]
    for key, rows in groups.items():
        figures = [_figure([getattr(r, name) for r in rows]) for name in names]
        lines.append([*key, *figures])
    return aligned(lines, range(len(keys), len(lines[0])))


def _figure(values: list[float | None]) -> str:
    if None in values:
        return "-"
    text = f"{np.mean(values):.3f}"
    return (
        text if len(values) == 1 else f"{text} ± {np.std(values, ddof=1):.3f}"
    )


def scores_as_csv(scores: Iterable[TopicScores]) -> str:
    """Scores as the text of a CSV file, a row a method and split."""
    names = [field.name for field in dataclasses.fields(TopicScores)]
    return csv_text([names, *map(dataclasses.astuple, scores)])


def scores_from_csv(texts: Iterable[str]) -> list[TopicScores]:
    """Scores of the texts of several CSV files, such as runs of other seeds.

    Example:
        >>> row = TopicScores("LSA", "train", 3, 2, None, None, None, 0.5, 1.0)
        >>> scores_from_csv([scores_as_csv([row])]) == [row]
        True
    """
    rows = itertools.chain.from_iterable(
        csv.DictReader(io.StringIO(text)) for text in texts
    )
    return [_score(row) for row in rows]


def _score(row: dict[str, str]) -> TopicScores:
    values: dict[str, Any] = {
        **{name: int(row[name]) for name in ("seed", "topics")},
        **{n: float(row[n]) if row[n] else None for n in _FIGURES},
    }
    if row["split"] != "train":
        # Files of before repeat them there.
        values |= dict.fromkeys(_FIGURES_OF_WORDS)
    return TopicScores(row["method"], row["split"], **values)
