"""What panels say of facts that were planted."""

import numpy as np
import scipy.sparse

from keras_textgen.data.rows import spread_rows
from keras_textgen.tasks.reports.documents import (
    calibration_panel,
    confusion_panel,
)
from keras_textgen.tasks.reports.matrices import errors_by_count
from keras_textgen.tasks.reports.text import (
    copies_found,
    dimensions_panel,
    nearest_texts,
)
from keras_textgen.tasks.reports.topics import (
    alike_panel,
    word_shares,
    words_panel,
)


def data_of(chart):
    (values,) = chart["datasets"].values()
    return values


def test_a_dead_dimension_is_named():
    rng = np.random.default_rng(0)
    means = rng.standard_normal([200, 4])
    means[:, 2] = 0.7 + 0.05 * rng.standard_normal(200)
    panel = dimensions_panel(means)
    assert panel.findings == ["1 of 4 dimensions is the same for all texts: 3."]
    rows = data_of(panel.parts[0])
    assert [row["dimension"] for row in rows][-1] == "3"
    variances = {row["dimension"]: row["variance"] for row in rows}
    np.testing.assert_allclose(variances["1"], np.var(means[:, 0]))
    alive = rng.standard_normal([200, 4])
    assert dimensions_panel(alive).findings == []


def test_a_sample_that_copies_is_named():
    training = ["the sea is blue", "a rose is red"]
    assert copies_found(["a rose", "a rose is red"], training) == [
        '1 of 2 samples copies a training text: "a rose is red".'
    ]
    assert copies_found(["a rose"], training) == []


def test_the_nearest_text_shares_most_words():
    others = ["the sea is blue", "a rose is red", "we sail the sea"]
    places, cosines = nearest_texts(
        ["the sea is blue", "my red rose", "nothing of it"], others
    )
    assert places[:2].tolist() == [0, 1]
    np.testing.assert_allclose(cosines[[0, 2]], [1.0, 0.0], atol=1e-12)
    assert 0 < cosines[1] < 1


def test_a_topic_that_is_there_twice_is_named():
    counts = scipy.sparse.csr_array(
        [[5, 1, 0, 0], [4, 1, 0, 0], [0, 0, 3, 3], [0, 0, 1, 2]]
    )
    topics = np.array([0, 1, 2, 2])
    shares = word_shares(counts, topics, 4)
    np.testing.assert_allclose(shares[2], [0, 0, 4 / 9, 5 / 9])
    assert alike_panel(shares).findings == [
        "Topics 0 and 1 are nearly the same (cosine 1.00)."
    ]
    words = np.array(["sea", "ship", "rose", "thorn"])
    panel = words_panel(shares, counts, words, topics)
    assert panel.findings == ["Without a document: topic 3."]
    rows = data_of(panel.parts[0])
    # Of the largest topic first; lift is its share over that of all words.
    assert rows[0]["topic"] == "2: 2 documents"
    assert rows[0]["word"] == "thorn"
    overall = 5 / counts.sum()
    np.testing.assert_allclose(rows[0]["lift"], 5 / 9 / overall)


def test_the_most_frequent_mistake_and_what_is_never_predicted():
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 1, 1, 1, 1, 1])
    panel = confusion_panel(labels, predicted, ["a", "b", "c"])
    assert panel.findings == [
        "The most frequent mistake: 2 of 3 documents of a are taken for b.",
        "Never predicted: c.",
    ]
    assert confusion_panel(labels, labels, ["a", "b", "c"]).findings == []


def test_calibration_by_hand():
    """Three bins: .55 with 1 of 2 right, .75 with 2 of 2, .95 with 0 of 1."""
    sure = np.array([0.55, 0.55, 0.75, 0.75, 0.95])
    probabilities = np.stack([sure, 1 - sure], axis=1)
    labels = np.array([0, 1, 0, 0, 1])
    error = (2 * 0.05 + 2 * 0.25 + 0.95) / 5
    (finding,) = calibration_panel(labels, probabilities).findings
    assert finding == (
        f"Too sure by {sure.mean() - 3 / 5:.2g} on average (expected "
        f"calibration error {error:.2g})."
    )


def test_errors_by_count_are_of_every_value_once():
    rng = np.random.default_rng(1)
    known, errors = rng.integers(0, 40, 500), rng.standard_normal(500)
    rows = errors_by_count(known, errors, "n")
    assert sum(row["test values"] for row in rows) == 500
    total = sum(row["test values"] * row["RMSE"] ** 2 for row in rows)
    np.testing.assert_allclose(total, np.sum(errors**2))
    first = known <= int(rows[0]["n"].split(" to ")[1])
    np.testing.assert_allclose(
        rows[0]["RMSE"], np.sqrt(np.mean(errors[first] ** 2))
    )


def test_rows_are_spread():
    assert spread_rows(0, 5).tolist() == []
    assert spread_rows(10, 4).tolist() == [0, 2, 5, 7]
