"""HAN without a vocabulary, of two widths, and with vectors from Python."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from tests.models.han_reference import check_parity, reference
from tests.models.numpy_reference import log_softmax
from tests.models.tiny_models import close, with_values_in_order

WORDS = ["the", "cat", "sat", "on", "a", "mat", "."]
SIZES = {
    "embedding_dim": 3,
    "rnn_units": 4,
    "sentence_rnn_units": 2,
    "attention_units": 5,
    "max_sentences": 4,
    "max_words": 6,
}
DOCUMENTS = [
    [[4, 5, 6, 1, 8], [5, 10]],
    [[9]],
    [[2, 1, 4], [8], [5, 3, 5, 6], [7, 10]],
]
LABELS = [0, 2, 1]


def tiny(vocabulary=10, label_names=3, **settings):
    return with_values_in_order(
        HierarchicalAttentionNetwork(
            vocabulary, label_names, **{**SIZES, **settings}
        )
    )


@pytest.fixture(scope="module")
def model():
    return tiny()


@pytest.fixture(scope="module")
def padded():
    return tf.ragged.constant(DOCUMENTS, tf.int32).to_tensor().numpy()


# -- Two widths ---------------------------------------------------------------


@pytest.mark.parametrize("rnn_type", ["gru", "block"])
def test_numpy_parity_of_two_widths(padded, rnn_type):
    check_parity(tiny(rnn_type=rnn_type), padded, DOCUMENTS)


def test_number_of_parameters_of_two_widths():
    """The sum on the page of the model, each level with its own width."""
    words, sentences, embedding, attention = 4, 2, 3, 5
    expected = (
        11 * embedding
        + 2 * 3 * words * (embedding + words + 2)
        + (2 * words + 2) * attention
        + 2 * 3 * sentences * (2 * words + sentences + 2)
        + (2 * sentences + 2) * attention
        + (2 * sentences + 1) * 3
    )
    assert tiny().count_params() - 2 == expected  # without counters of steps


def test_a_config_of_before_has_one_width():
    config = tiny(Vocabulary(WORDS), sentence_rnn_units=None).get_config()
    del config["sentence_rnn_units"]
    old = HierarchicalAttentionNetwork.from_config(config)
    assert old.sentence_encoder.units == old.word_encoder.units == 4
    new = HierarchicalAttentionNetwork.from_config(tiny().get_config())
    assert (new.word_encoder.units, new.sentence_encoder.units) == (4, 2)


# -- Ids alone ----------------------------------------------------------------


def batches(ids, size):
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_ids_in_every_form(model, padded):
    expected = [
        np.exp(log_softmax(reference(model, document)[0]))
        for document in DOCUMENTS
    ]
    floats = np.zeros([3, 5, 7])
    floats[:, :4, :5] = padded
    partly = [[*each[:-1], [*each[-1], 0, 0]] for each in DOCUMENTS]
    forms = [
        padded,
        padded.astype(np.int64),
        floats,
        floats.astype(object),
        tf.constant(padded),
        tf.constant(floats),
        tf.ragged.constant(DOCUMENTS, tf.int32),
        DOCUMENTS,
        [[np.array(s) for s in document] for document in DOCUMENTS],
        partly,
        tf.data.Dataset.from_tensor_slices(padded).batch(2),
        tf.data.Dataset.from_tensor_slices(floats).batch(2),
        batches(DOCUMENTS, 2),
        batches(floats, 2),
    ]
    for form in forms:
        close(model.predict(form, verbose=0), expected)


def test_a_vocabulary_adds_names_alone(model, padded):
    """The same weights give the same answers to the same ids."""
    named = tiny(Vocabulary(WORDS), ["bad", "fair", "good"])
    close(named.predict(padded), model.predict(padded))
    close(named.predict(DOCUMENTS), model.predict(DOCUMENTS))
    # Where there is no unknown word, the id 1 is a word like others.
    assert model.is_known([[[1, 1]], [[4]], [[]]]).tolist() == [1, 1, 0]
    assert named.is_known([[[1, 1]], [[4]], [[]]]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("vocabulary", [10, Vocabulary(WORDS)])
def test_what_is_beyond_the_cut_is_not_read(vocabulary):
    model = tiny(vocabulary)
    ids = 1 + np.arange(3 * 6 * 9).reshape(3, 6, 9) % 10
    expected = model.predict(ids[:, :4, :6])
    dataset = tf.data.Dataset.from_tensor_slices(ids).batch(2)
    for form in (ids, ids.tolist(), dataset):
        close(model.predict(form), expected)


def test_fit_learns_from_ids_and_numbers():
    """The class is the first word of some sentence, 1 or 2."""
    rng = np.random.default_rng(3)
    labels = np.arange(40) % 2
    ids = rng.integers(3, 9, [40, 3, 4])
    ids[np.arange(40), rng.integers(0, 3, 40), 0] = 1 + labels
    model = HierarchicalAttentionNetwork(
        8, 2, rnn_units=8, sentence_rnn_units=4, seed=1
    )
    model.compile(keras.optimizers.Adam(0.02))
    history = model.fit(
        ids[:30], labels[:30], epochs=12, batch_size=10, verbose=0
    ).history
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    predicted = model.predict(ids[30:]).argmax(axis=1)
    assert predicted.tolist() == labels[30:].tolist()
    report = keras_textgen.evaluate_model(model, (ids[30:], labels[30:]))
    assert report["systems"] == {"han": {"accuracy": 1.0, "macro_f1": 1.0}}
    assert list(report["classes"]) == ["0", "1"]


def test_what_needs_words_is_refused(model, tmp_path):
    texts = r"^texts for a model without a vocabulary; allowed: ids \[docum"
    strings = tf.data.Dataset.from_tensors(["The cat."])
    for documents in ("The cat.", ["The cat."], [["The cat."]], strings):
        with pytest.raises(ValueError, match=texts):
            model.predict(documents)
    with pytest.raises(ValueError, match=texts):
        model.fit(["The cat."], [0])
    with pytest.raises(ValueError, match=texts):
        keras_textgen.evaluate_model(model, (["The cat."], [0]))
    with pytest.raises(ValueError, match=texts):
        model(["The cat."])
    for method in ("attention", "important_sentences"):
        message = rf"^{method} of a model without a voc.*; allowed: model\(ids"
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(DOCUMENTS)
    path = tmp_path / "vectors.txt"
    path.write_text("cat 1 2 3\n")
    message = rf"^{path}: vectors of words .*; allowed: a matrix \[11, 3\]$"
    with pytest.raises(ValueError, match=message):
        model.use_word_vectors(path)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[[11]]], "token id 11; allowed: 1 to 10, and 0 on the right"),
        ([[[-1]]], "token id -1; allowed: 1 to 10, and 0 on the right"),
        ([[[0, 1]]], "the padding id 0 before a word|token id 0; allowed"),
        ([[[1.5]]], "token id 1.5; allowed: whole numbers"),
    ],
)
def test_refused_ids(model, ids, message):
    for form in (ids, np.array(ids)):
        with pytest.raises(ValueError, match=message):
            model.predict(form)
    with pytest.raises(tf.errors.InvalidArgumentError, match="; allowed: "):
        model.predict(tf.data.Dataset.from_tensors(np.array(ids)))


def test_refused_shapes(model):
    flat = np.array([[1, 2]])
    with pytest.raises(ValueError, match=r"^documents of type int64 and shape"):
        model.predict(flat)
    with pytest.raises(ValueError, match=r"^ids of shape \(1, 2\) in a datase"):
        model.predict(tf.data.Dataset.from_tensors(flat))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocabulary": 0}, "vocabulary=0; allowed: whole numbers, 1 or more"),
        ({"vocabulary": WORDS}, "vocabulary of type list; allowed: a Vocab"),
        ({"label_names": 1}, r"label_names=\['0'\]; allowed: 2 or more"),
        ({"word_keep_rate": 0.9}, "word_keep_rate=0.9 of a model without a v"),
        ({"sentence_rnn_units": 0}, "sentence_rnn_units=0; allowed: whole"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        tiny(**settings)


# -- Word vectors from Python -------------------------------------------------


@pytest.mark.parametrize("vocabulary", [10, Vocabulary(WORDS)])
def test_a_matrix_of_word_vectors(vocabulary):
    model = tiny(vocabulary)
    others = [each.numpy() for each in model.trainable_variables[1:]]
    matrix = np.arange(33).reshape(11, 3) / 8
    assert model.use_word_vectors(matrix) == 11
    embeddings, *rest = model.trainable_variables
    np.testing.assert_array_equal(embeddings, matrix)
    for now, before in zip(rest, others, strict=True):
        np.testing.assert_array_equal(now, before)
    assert model.use_word_vectors(matrix.tolist()) == 11


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones([10, 3]), r".* shape \[10, 3\]; allowed: numbers \[11, width"),
        (np.ones([11]), r"word vectors of type float64 and shape \[11\]; al"),
        (np.ones([11, 2]), "word vectors: vectors of 2 numbers; allowed: em"),
        (np.full([11, 3], "a"), "word vectors of type <U1 and shape"),
        (np.diag(11 * [np.nan])[:, :3], "word vectors with row 0 of .*nan"),
        (np.full([11, 3], 1e300), "word vectors with row 0 of .*; allowed: f"),
    ],
)
def test_refused_matrices(matrix, message):
    model = tiny()
    before = model.embedding.embeddings.numpy()
    with pytest.raises(ValueError, match=f"^{message}"):
        model.use_word_vectors(matrix)
    np.testing.assert_array_equal(model.embedding.embeddings, before)
