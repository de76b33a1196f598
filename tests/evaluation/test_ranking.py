"""Errors and rankings against a loop over all columns."""

import math

import numpy as np
import pytest
import scipy.sparse

from keras_textgen.data.cells import ratings_of
from keras_textgen.evaluation.ranking import errors_of, ranking_quality


def brute_force(scores, relevant, seen, k):
    """Recall and NDCG, row by row and rank by rank."""
    recalls, gains = [], []
    for row in range(len(scores)):
        if not relevant[row].any():
            continue
        candidates = [j for j in range(scores.shape[1]) if not seen[row, j]]
        candidates.sort(key=lambda j: (-scores[row, j], j))
        hits = [bool(relevant[row, j]) for j in candidates[:k]]
        total = int(relevant[row].sum())
        recalls.append(sum(hits) / total)
        gain = sum(1 / math.log2(2 + i) for i, hit in enumerate(hits) if hit)
        best = sum(1 / math.log2(2 + i) for i in range(min(k, total)))
        gains.append(gain / best)
    return len(recalls), np.mean(recalls), np.mean(gains)


@pytest.mark.parametrize("rows", [3, 300])
def test_against_brute_force(rows):
    generator = np.random.default_rng(rows)
    # Few values, so that many are equal.
    scores = generator.integers(0, 4, (rows, 12)).astype(np.float32)
    kinds = generator.choice(3, (rows, 12), p=[0.7, 0.15, 0.15])
    relevant, seen = kinds == 1, kinds == 2
    relevant[1] = False
    quality = ranking_quality(
        lambda chosen: scores[chosen],
        scipy.sparse.csr_array(relevant),
        scipy.sparse.csr_array(seen),
        cutoffs=(1, 4, 99),
    )
    for k in (1, 4, 99):
        expected = brute_force(scores, relevant, seen, k)
        found = quality["rows"], quality[f"recall@{k}"], quality[f"ndcg@{k}"]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_stored_zeros_count():
    relevant = scipy.sparse.csr_array(
        (np.array([0.0, 5.0]), np.array([0, 2]), np.array([0, 2])), shape=(1, 3)
    )
    scores = np.array([[2.0, 1.0, 0.0]])
    quality = ranking_quality(lambda rows: scores[rows], relevant, cutoffs=[1])
    assert quality["recall@1"] == 0.5


def test_scores_are_left_alone():
    scores = np.array([[2.0, 1.0]])
    ranking_quality(
        lambda rows: scores,
        scipy.sparse.csr_array([[0, 1]]),
        scipy.sparse.csr_array([[1, 0]]),
    )
    assert scores.tolist() == [[2.0, 1.0]]


def test_errors():
    cells = ratings_of([0, 0, 1], [0, 1, 0], [1, 4, 4])
    errors = errors_of(lambda _: np.float32([1, 2, 5]), cells)
    assert errors["rmse"] == pytest.approx(math.sqrt(5 / 3))
    assert errors["mae"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("relevant", "seen", "cutoffs", "message"),
    [
        ([[0, 0]], [[0, 0]], [1], "no cell is relevant"),
        ([[0, 1]], [[0, 1]], [1], "a relevant cell is seen"),
        (
            [[0, 1]],
            [[0, 0]],
            [0],
            "cutoff=0; allowed: whole numbers, 1",
        ),
    ],
)
def test_bad_rankings(relevant, seen, cutoffs, message):
    relevant, seen = map(scipy.sparse.csr_array, (relevant, seen))
    with pytest.raises(ValueError, match=message):
        ranking_quality(lambda rows: np.zeros((1, 2)), relevant, seen, cutoffs)


def test_bad_errors():
    with pytest.raises(ValueError, match="2 predictions of 1 value"):
        errors_of(lambda _: np.zeros(2), ratings_of([0], [0], [0]))
    with pytest.raises(ValueError, match="no values; allowed: 1 or more"):
        errors_of(lambda _: np.zeros(0), ratings_of([], [], []))
