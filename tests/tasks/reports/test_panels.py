"""What panels say of facts that were planted."""

import numpy as np
import scipy.sparse

from keras_textgen.data.rows import spread_rows
from keras_textgen.pages.sparse_codes import SparseCodes
from keras_textgen.tasks.reports.codes import (
    dimensions_panel,
    reconstructions_panel,
)
from keras_textgen.tasks.reports.documents import (
    calibration_panel,
    confusion_panel,
)
from keras_textgen.tasks.reports.matrices import errors_by_count
from keras_textgen.tasks.reports.sparse_codes import panel_of
from keras_textgen.tasks.reports.text import copies_found, nearest_texts
from keras_textgen.tasks.reports.topics import (
    alike_panel,
    times_panel,
    typical_panel,
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


def sparse(is_on):
    matrix = scipy.sparse.csr_matrix(np.asarray(is_on, np.float32))
    return SparseCodes(np.zeros(matrix.shape), True, matrix, matrix, {})


def test_dimensions_that_are_on_for_a_label_are_shown_by_it():
    rows = [[1, 0, 1, 0]] * 3 + [[1, 0, 0, 1]] * 2
    labels = np.array([0, 0, 0, 1, 1])
    panel = panel_of(sparse(rows), labels, np.array([0, 1]), ["a", "b"])
    assert panel.findings == [
        "1 of 4 dimensions is on for no text: 2.",
        "1 of 4 dimensions is on for every text: 1.",
    ]
    bars, by_label = map(data_of, panel.parts)
    assert {
        row["dimension"]: round(row["share of texts"], 1) for row in bars
    } == {
        "1": 1.0,
        "3": 0.6,
        "4": 0.4,
    }
    on = {(row["label"], row["dimension"]): row["on"] for row in by_label}
    assert on == {("a", "3"): 1, ("a", "4"): 0, ("b", "3"): 0, ("b", "4"): 1}


def test_no_chart_where_no_dimension_is_on():
    panel = panel_of(sparse(np.zeros([4, 2])), np.empty(0, int), [], [])
    assert panel.parts == []
    assert panel.findings == ["2 of 2 dimensions are on for no text: 1, 2."]


def test_reconstructions_by_length():
    texts = ["a b", "a b", *["a b c d"] * 2]
    again = ["b a", "", "a a d x", "a b c d"]
    panel = reconstructions_panel(texts, again)
    rows = data_of(panel.parts[0])
    found = {row["words of the text"]: row["words again"] for row in rows}
    assert found == {"2": 0.5, "4": (0.5 + 1) / 2}
    assert ["2", "a b", "(empty)"] in panel.folded[0][1].rows
    lost = reconstructions_panel(texts, ["x"] * 4)
    assert lost.findings == ["No word of any text comes back from its code."]
    assert lost.parts == []


def test_the_documents_next_to_the_middle_are_typical():
    codes = np.array([[0.0], [10.0], [4.0], [5.0], [6.0], [99.0]])
    topics = np.array([0, 0, 0, 0, 0, -1])
    columns = {"document": list("abcdef"), "label": list("uvwxyz")}
    (table,) = typical_panel(codes, topics, columns).parts
    assert table.rows == [[0, "d", "x"], [0, "c", "w"], [0, "e", "y"]]
    assert table.headings == ["topic", "document", "label"]


def test_topics_over_time_in_parts_of_equal_length():
    times = np.arange(1900, 2000.5, 0.5)
    topics = (times >= 1950).astype(int)
    panel = times_panel(topics, times)
    rows = data_of(panel.parts[0])
    shares = {(row["topic"], row["time"]): row["share"] for row in rows}
    assert len(shares) == 2 * 20
    for (topic, time), share in shares.items():
        assert share == float((topic == "1") == (time > 1950))
    assert "in 20 parts of equal length" in panel.caption
