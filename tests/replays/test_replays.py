"""What users of similar systems have reported, tried here.

`docs/replays.md` has the reports; where the subject's own tests hold what was
reported, it names those.
"""

import copy
import pickle
import re

import keras
import numpy as np
import pytest
import scipy.sparse
import scipy.special
import tensorflow as tf

from keras_textgen.data.corpus import Corpus
from keras_textgen.data.readers.word_vectors import read_word_vectors
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.decoding.sampling import sample
from keras_textgen.distributions.sphere import (
    kl_to_uniform,
    sample_from_noise,
)
from keras_textgen.evaluation.classification import bag_of_words_baseline
from keras_textgen.evaluation.ranking import ranking_quality
from keras_textgen.evaluation.topic_methods import clustered
from keras_textgen.evaluation.topics import compare_topics, topic_diversity
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.sentence_vae import SentenceVAE
from keras_textgen.models.topics.sae import SoftmaxAutoencoder

WORDS = ["red", "rose", "sea", "ship"]
TEXTS = ["red rose", "sea", "red ship sea rose", "ship ship", "rose"]
DOCUMENTS = ["A red rose. The sea!", "Ship.", "red sea", "rose"]
LABELS = [1, 0, 0, 1]
MATRIX = scipy.sparse.csr_array([[5.0, 1.0, 0.0], [4.0, 0.0, 3.0]])


def language_model():
    return LSTMLanguageModel(Vocabulary(WORDS), embedding_dim=3, rnn_units=4)


@pytest.fixture(scope="module")
def model():
    return language_model()


@pytest.fixture(scope="module")
def vae():
    return SentenceVAE(
        Vocabulary(WORDS),
        embedding_dim=3,
        rnn_units=4,
        num_layers=1,
        latent_dim=2,
    )


def classifier():
    model = HierarchicalAttentionNetwork(
        Vocabulary(WORDS),
        ["no", "yes"],
        embedding_dim=3,
        rnn_units=2,
        attention_units=2,
    )
    model.compile("sgd")
    return model


def factorization(**settings):
    sizes = {"row_dim": 2, "col_dim": 2, "row_layers": [], "col_layers": []}
    return DualMatrixFactorization.from_matrix(MATRIX, **{**sizes, **settings})


def refused(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


# -- Generation ----------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1e-37, 1e-38, 1e-45, 1e-60])
def test_a_temperature_near_zero_is_greedy(model, temperature):
    """Divided by it, logits are beyond float32."""
    texts = model.generate(3, temperature=temperature, seed=1)
    assert texts == model.generate(3, top_k=1)


def test_huge_logits_and_a_low_temperature():
    logits = tf.constant([[0.0, 0.0, 0.0, 0.0, 3e38, -3e38]])
    tokens = sample(
        lambda tokens, state: (logits, state),
        tf.zeros([1, 1]),
        seed=[1, 2],
        max_length=2,
        temperature=1e-3,
    )
    assert tokens.numpy().tolist() == [[2, 4, 4]]


def test_more_words_than_there_are(model):
    assert model.generate(4, top_k=10**6, seed=2) == model.generate(4, seed=2)


def test_numbers_beyond_int32_are_no_others(model, vae):
    """2**32 + 1 cast to 32 bits is 1."""
    allowed = "allowed: whole numbers, {} to 2147483647"
    with refused(f"top_k={2**32 + 1}; {allowed.format(0)}"):
        model.generate(1, top_k=2**32 + 1)
    with refused(f"num_samples={2**32 + 1}; {allowed.format(1)}"):
        vae.log_likelihood(TEXTS[:1], num_samples=2**32 + 1)


@pytest.mark.parametrize("seed", [None, 1.5, 2**63, "1"])
def test_what_is_no_seed_is_refused_by_name(model, vae, seed):
    allowed = f"whole numbers, {-(2**63)} to {2**63 - 1}"
    message = f"seed={seed!r}; allowed: {allowed}"
    with refused(message):
        model.generate(1, seed=seed)
    with refused(message):
        vae.log_likelihood(TEXTS[:1], num_samples=1, seed=seed)


def test_numbers_of_numpy(model, vae):
    """The type of what `len`, `argmax` or a column of a table gives."""
    expected = model.generate(2, top_k=3, seed=5)
    numbers = map(np.int64, (2, 3, 5))
    count, top_k, seed = numbers
    assert model.generate(count, top_k=top_k, seed=seed) == expected
    recommender = factorization()
    for k in (np.int64(2), 2.0):
        best = recommender.recommend([0, 1], k=k, exclude_seen=False)
        assert best.columns.shape == (2, 2)
    best = recommender.recommend([0, 1], k=2**40, exclude_seen=False)
    assert best.columns.shape == (2, 3)


def test_codes_of_another_width_are_refused(vae):
    for shape in ([2, 5], [2]):
        with refused(f"codes of shape {shape}; allowed: [N, 2]"):
            vae.decode(np.zeros(shape))


def test_codes_that_are_no_numbers_are_refused(vae):
    codes = np.array([[0.0, 1.0], [np.nan, 0.0]])
    with refused("code 1 is [nan  0.]; allowed: finite numbers"):
        vae.decode(codes)


def test_codes_in_double_precision(vae):
    codes = np.array([[0.5, -1.0], [2.0, 0.1]])
    expected = vae.decode(codes.astype(np.float32))
    assert vae.decode(codes) == expected
    assert vae.decode(tf.constant(codes)) == expected


# -- Text ----------------------------------------------------------------------


def test_one_string_is_no_list_of_texts():
    message = "texts are one string, 'red rose'; allowed: a list of strings"
    with refused(message):
        Vocabulary.from_texts("red rose")
    with refused(message):
        Vocabulary(WORDS).tokenize("red rose")


@pytest.mark.parametrize(
    ("words", "standardize", "reason"),
    [
        (["The", "cat"], "words", "in lower case and "),
        (["cat", "É"], "keras", "in lower case and "),
        (["new york", "The"], "none", ""),
    ],
)
def test_words_that_no_text_has_are_named(words, standardize, reason):
    (unreachable,) = {"The", "É", "new york"}.intersection(words) - (
        {"The"} if standardize == "none" else set()
    )
    message = (
        f"1 of 2 words is in no text, as texts are read {reason}split at "
        f"white space: {unreachable!r}"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$"):
        vocabulary = Vocabulary(words, standardize)
    assert 1 in vocabulary([unreachable]).numpy()


def test_lower_case_of_other_alphabets():
    vocabulary = Vocabulary.from_texts(["Яя ŽIŽEK", "ЯЯ žižek"])
    assert vocabulary.get_vocabulary()[4:] == ["žižek", "яя"]


def test_word_vectors_of_words_with_spaces_and_of_words_twice(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text(
        ". . . 0.5 0.25 1\nat name@domain.com 1 2 3\ncat 4 5 6\ncat 7 8 9\n"
    )
    found = read_word_vectors(path, ["cat", ".", ". . ."])
    assert found.rows.tolist() == [0, 2]
    assert found.vectors.tolist() == [[4, 5, 6], [0.5, 0.25, 1]]


# -- Training ------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"loss": "mse"}, {"metrics": ["accuracy"]}, {"weighted_metrics": ["mae"]}],
)
def test_losses_and_metrics_of_compile_are_refused(settings):
    ((name, value),) = settings.items()
    with refused(
        f"compile with {name}={value!r}; allowed: None, as the model has a "
        "loss and metrics of its own"
    ):
        language_model().compile("sgd", **settings)


def test_class_weight_without_classes_is_refused():
    with refused("class_weight of a model without classes; allowed: None"):
        language_model().fit(TEXTS, class_weight={0: 1.0})


def test_steps_of_one_call_end_with_the_epoch():
    """Three at a time of five are six, the last one of the next epoch."""
    model = language_model()
    model.compile("sgd", steps_per_execution=3)
    with refused(
        "steps_per_execution=3 for an epoch of 5 steps; allowed: what divides "
        "them"
    ):
        model.fit(TEXTS, batch_size=1, verbose=0)
    assert int(model.train_steps) == 0
    model.compile("sgd", steps_per_execution=5)
    model.fit(TEXTS, batch_size=1, epochs=2, verbose=0)
    assert int(model.train_steps) == 10


def test_weights_beside_labels_count():
    model = classifier()
    ids = model.document_ids(DOCUMENTS).to_tensor()
    weights = np.array([0.0, 1.0, 2.5, 0.5])
    model.compile("sgd")
    losses = [
        model.evaluate(DOCUMENTS[i : i + 1], LABELS[i : i + 1], verbose=0)[0]
        for i in range(4)
    ]
    batch = tf.data.Dataset.from_tensors((ids, LABELS, weights))
    np.testing.assert_allclose(
        model.evaluate(batch, verbose=0)[0],
        np.average(losses, weights=weights),
        rtol=1e-5,
    )


def test_weights_of_classes_count():
    """Without a weight, a class teaches nothing."""
    model = classifier()
    start = [each.numpy() for each in model.trainable_variables]
    history = model.fit(
        DOCUMENTS, LABELS, class_weight={0: 0.0, 1: 0.0}, verbose=0
    )
    assert history.history["loss"] == [0.0]
    for before, after in zip(start, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(after.numpy(), before)


def test_weights_of_unknown_classes_are_refused():
    for weights in ({2: 2.0}, {"no": 2.0}):
        with refused(
            f"class_weight of {list(weights)}; allowed: of classes by their "
            "number, 0 to 1"
        ):
            classifier().fit(DOCUMENTS, LABELS, class_weight=weights)


@pytest.mark.parametrize("labels", [[1, 2], [-1, 0]])
def test_labels_of_a_dataset_that_are_no_classes(labels):
    """On a GPU, they would make the loss NaN and all weights after it."""
    ids = [[[4, 5]], [[6, 7]]]
    batches = tf.data.Dataset.from_tensors((ids, labels))
    message = "a label outside of the classes; allowed: 0 to 1"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        classifier().evaluate(batches, verbose=0)


@pytest.mark.parametrize(
    ("labels", "kind"), [([[1], [0]], "int32"), ([True, False], "bool")]
)
def test_labels_of_a_dataset_of_another_type(labels, kind):
    batches = tf.data.Dataset.from_tensors(([[[4, 5]], [[6, 7]]], labels))
    message = f"labels of type {kind} and shape .* in a dataset; allowed: "
    with pytest.raises(ValueError, match=message):
        classifier().fit(batches, verbose=0)


def test_labels_of_a_dataset_in_every_form():
    model, ids = classifier(), [[[4, 5]], [[6, 7]]]
    names = list(reversed(model.label_names))
    one_hot = [[0.0, 1.0], [1.0, 0.0]]
    losses = [
        model.evaluate(tf.data.Dataset.from_tensors((ids, each)), verbose=0)
        for each in ([1, 0], [1.0, 0.0], names, one_hot)
    ]
    assert losses[1:] == losses[:1] * 3


def test_labels_of_a_dataset_in_few_bits():
    ids = [[[4, 5]], [[6, 7]]]
    model = classifier()
    losses = [
        model.evaluate(
            tf.data.Dataset.from_tensors((ids, np.array([1, 0], kind))),
            verbose=0,
        )
        for kind in (np.uint8, np.int64)
    ]
    assert losses[0] == losses[1]


# -- Copies --------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "pickle"],
)
def test_copies_answer_alike(copied):
    model = language_model()
    expected = model.predict(TEXTS, verbose=0)["nll"]
    other = copied(model)
    np.testing.assert_array_equal(
        other.predict(TEXTS, verbose=0)["nll"], expected
    )
    other.compile("sgd")
    other.fit(TEXTS, verbose=0)
    np.testing.assert_array_equal(
        model.predict(TEXTS, verbose=0)["nll"], expected
    )


def test_a_clone_has_the_settings(model):
    clone = keras.models.clone_model(model)
    assert type(clone) is LSTMLanguageModel
    shapes = [each.shape for each in clone.weights]
    assert shapes == [each.shape for each in model.weights]
    words = clone.vocabulary.get_vocabulary()
    assert words == model.vocabulary.get_vocabulary()


# -- Recommendations -----------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(value):
    features = np.array([[1.0, 0.0], [0.0, value]])
    problem = f"has {value} in row 1, column 1; allowed: finite numbers"
    with refused(f"row_features {problem}"):
        factorization(row_features=features, row_feature_dim=2)
    model = factorization(
        row_features=np.eye(2),
        col_feature_dim=2,
        row_feature_dim=2,
        col_features=np.eye(3),
    )
    with refused(f"row features {problem}"):
        model.recommend(features=features, exclude_seen=False)


def test_a_model_that_has_diverged_recommends_nothing():
    """NaN is not "no column is left"."""
    model = factorization()
    model.row_tower.embedding.assign(np.full([2, 2], np.nan))
    with refused(
        "the model's vectors are not finite; allowed: a model whose training "
        "has not diverged"
    ):
        model.recommend([0])


def test_ranking_by_no_numbers_is_refused():
    relevant = scipy.sparse.csr_array([[0, 0], [0, 1]])
    with refused("row 1 has a score that is NaN; allowed: numbers"):
        ranking_quality(lambda rows: np.array([[np.nan, 1.0]]), relevant)


@pytest.mark.parametrize("feedback", ["implicit", "ranking"])
def test_nothing_seen_is_drawn_from_all(feedback):
    """An empty matrix is no matrix without cells to train on."""
    nothing = scipy.sparse.csr_array((2, 3))
    batches, expected = (
        factorization(feedback=feedback, negatives=3, seen=seen).batches(MATRIX)
        for seen in (nothing, None)
    )
    for one, other in zip(
        batches.evaluation_dataset(), expected.evaluation_dataset(), strict=True
    ):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_fewer_columns_than_asked_for():
    best = factorization().recommend([0, 1], k=5)
    assert best.columns.tolist() == [[2, -1, -1], [1, -1, -1]]
    assert best.ids.tolist() == [["2", "", ""], ["1", "", ""]]


# -- Topics and classes --------------------------------------------------------


def test_words_of_one_character_are_words_where_there_are_no_others():
    corpus = Corpus(
        "letters",
        train=["a x", "b x", "a", "b"],
        valid=["a", "b"],
        test=["x b", "x a"],
        labels={"train": [0, 1, 0, 1], "valid": [0, 1], "test": [1, 0]},
        label_names=("of a", "of b"),
    )
    assert bag_of_words_baseline(corpus).predicted.tolist() == [1, 0]


def test_topics_of_one_word_each_have_no_coherence():
    """No pair of words, so no mean, and no warning of an empty one."""
    counts = scipy.sparse.csr_array(np.eye(3)[[0, 1, 2, 0, 1]])
    found = clustered((counts, counts), counts, num_topics=3)
    scores = compare_topics({"words": found}, None, counts, 3)
    assert [np.isnan(each.npmi) for each in scores] == [True]
    assert [each.diversity for each in scores] == [1]


def test_diversity_of_no_words():
    assert np.isnan(topic_diversity([[-1, -1], [-1, -1]]))


@pytest.mark.parametrize("kind", [np.uint8, np.int8, bool])
def test_counts_in_few_bits_do_not_overflow(kind):
    """The sum of a row is beyond what a count can be."""
    model = SoftmaxAutoencoder(Vocabulary(WORDS))
    counts = np.full([1, 4], 100, kind)
    np.testing.assert_array_equal(
        model.encode(scipy.sparse.csr_array(counts)),
        model.encode(scipy.sparse.csr_array(counts.astype(np.float64))),
    )


# -- Directions ----------------------------------------------------------------


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_directions_around_an_axis(axis, sign):
    """A reflection that takes an axis to itself divides by zero."""
    mean = np.zeros([500, 3], np.float32)
    mean[:, axis] = sign
    rng = np.random.default_rng(axis)
    samples = sample_from_noise(
        tf.constant(mean),
        concentration=5.0,
        uniform=tf.constant(rng.random(500), tf.float32),
        normal=tf.constant(rng.standard_normal([500, 3]), tf.float32),
    ).numpy()
    np.testing.assert_allclose(np.linalg.norm(samples, axis=1), 1, rtol=1e-5)
    expected = 1 / np.tanh(5) - 1 / 5
    assert sign * samples[:, axis].mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("dimension", "kappa"), [(128, 1.7), (256, 30.0)])
def test_divergence_where_bessel_functions_underflow(dimension, kappa):
    """In float32, I_63(1.7), of the size of 1e-92, is 0.

    log I_v(k) = v log(k / 2) - log gamma(v + 1) + log 0F1(v + 1, k^2 / 4), of
    which only the last part is left, as the density of the uniform
    distribution has the others.
    """
    half = dimension / 2
    series = scipy.special.hyp0f1(half, kappa**2 / 4)
    slope = scipy.special.hyp0f1(half + 1, kappa**2 / 4) * kappa / dimension
    expected = kappa * slope / series - np.log(series)
    assert kl_to_uniform(dimension, kappa) == pytest.approx(expected, rel=1e-5)
