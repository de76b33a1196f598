"""Documents in other clothes are the same documents, or are refused."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.batches.bags import as_counts, count_words

TEXTS = [
    "A red rose, a white rose.",
    "Red wine, and a rose",
    "The sea! A sail, a ship.",
    "A sail: ship at sea",
]
WORDS = keras_textgen.bag_vocabulary(TEXTS)
TABLE = pd.DataFrame({"id": range(4), "text": TEXTS})


def sae():
    model = keras_textgen.SoftmaxAutoencoder.from_documents(
        TEXTS, WORDS, latent_dim=2, num_topics=2, seed=1
    )
    model.fit_topics(TEXTS)
    return model


def prodlda():
    return keras_textgen.ProdLDA(WORDS, num_topics=2, hidden_units=3, seed=1)


def lstm_vae():
    vocabulary = keras_textgen.Vocabulary.from_texts(TEXTS)
    sizes = {"embedding_dim": 3, "rnn_units": 4, "latent_dim": 2}
    return keras_textgen.LSTMVAE(vocabulary, seed=1, **sizes)


@pytest.fixture(scope="module")
def classifier():
    return keras_textgen.HierarchicalAttentionNetwork(
        keras_textgen.Vocabulary.from_texts(TEXTS),
        ["flower", "ship"],
        embedding_dim=3,
        rnn_units=2,
        attention_units=2,
        seed=1,
    )


@pytest.fixture(scope="module")
def topic_model():
    return sae()


# -- Batches that Python makes ------------------------------------------------


@pytest.mark.parametrize("make", [sae, prodlda, lstm_vae])
def test_codes_of_a_generator_are_those_of_its_texts(make):
    model = make()
    batches = (TEXTS[start : start + 3] for start in (0, 3))
    expected = model.encode(TEXTS)
    np.testing.assert_allclose(model.encode(batches), expected, atol=1e-6)


def test_topics_of_a_generator_are_those_of_its_texts(topic_model):
    batches = (TEXTS[start : start + 3] for start in (0, 3))
    expected = topic_model.topics(TEXTS).tolist()
    assert topic_model.topics(batches).tolist() == expected


def test_reconstructions_of_a_generator_are_those_of_its_texts():
    model = lstm_vae()
    batches = (TEXTS[start : start + 3] for start in (0, 3))
    assert list(model.reconstruct(batches)) == list(model.reconstruct(TEXTS))


# -- Tables -------------------------------------------------------------------


def test_topic_models_read_the_texts_of_a_table(topic_model):
    make = keras_textgen.SoftmaxAutoencoder.from_documents
    assert make(TABLE, WORDS).alpha == make(TEXTS, WORDS).alpha
    expected = topic_model.topic_labels(TEXTS, 2)
    assert topic_model.topic_labels(TABLE, 2) == expected
    found = topic_model.nearest_documents(TABLE, TABLE, k=4)
    expected = topic_model.nearest_documents(TEXTS, TEXTS, k=4)
    np.testing.assert_array_equal(found, expected)
    centers = topic_model.topic_centers.numpy()
    topic_model.fit_topics(TABLE)
    np.testing.assert_allclose(topic_model.topic_centers.numpy(), centers)


@pytest.mark.parametrize(
    "texts", [TABLE, tf.constant(TEXTS), [each.encode() for each in TEXTS]]
)
def test_attention_is_to_the_documents_that_predict_reads(classifier, texts):
    found, expected = classifier.attention(texts), classifier.attention(TEXTS)
    assert [each.words for each in found] == [each.words for each in expected]
    probabilities = [each.probabilities for each in found]
    np.testing.assert_allclose(
        probabilities, classifier.predict(texts, verbose=0), atol=1e-6
    )


def test_attention_to_one_text_is_to_one_document(classifier):
    (found,) = classifier.attention(TEXTS[0])
    assert found.words == [["a", "red", "rose", ",", "a", "white", "rose", "."]]
    ((sentence, _),) = classifier.important_sentences(TEXTS[0])[0]
    assert sentence == TEXTS[0]


@pytest.mark.parametrize(
    "make", [keras_textgen.Vocabulary.from_texts, keras_textgen.bag_vocabulary]
)
@pytest.mark.parametrize("table", [TABLE, {"id": [1], "text": ["a rose"]}])
def test_a_vocabulary_of_a_table_is_refused(make, table):
    # Its words would be the names of the columns.
    with pytest.raises(ValueError, match=r"are a table.*such as table\['id'\]"):
        make(table)


# -- What is read once --------------------------------------------------------


def test_a_vocabulary_of_a_generator_is_that_of_its_texts():
    found = keras_textgen.bag_vocabulary(text for text in TEXTS)
    assert found.get_vocabulary() == WORDS.get_vocabulary()


@pytest.mark.parametrize(
    "method",
    [
        lambda model, data: model.fit_topics(data),
        lambda model, data: model.begin_with(data),
        lambda model, data: model.batches(data),
        lambda model, data: model.topic_labels(data),
        lambda model, data: model.merged_topics(data, 1),
        lambda model, data: model.nearest_documents(["sea"], data),
        lambda model, data: model.from_documents(data, model.vocabulary),
    ],
)
@pytest.mark.parametrize(
    "stream",
    [iter, lambda texts: tf.data.Dataset.from_tensor_slices(texts).batch(2)],
    ids=["iterator", "dataset"],
)
def test_documents_that_are_needed_twice_are_not_read_once(
    topic_model, method, stream
):
    with pytest.raises(ValueError, match=r"documents of type \w+; allowed"):
        method(topic_model, stream(TEXTS))


def test_counts_of_an_iterator_lose_no_text():
    with pytest.raises(ValueError, match="of type list_iterator, which are"):
        as_counts(iter(TEXTS), WORDS.size - 4, WORDS)


# -- Counts as whole numbers --------------------------------------------------


def test_whole_counts_are_not_taken_for_ids(topic_model):
    counts = count_words(TEXTS, WORDS).toarray()
    expected = topic_model.encode(TEXTS)
    np.testing.assert_allclose(topic_model.encode(counts), expected, atol=1e-6)
    # Words would be the special tokens 1 and 2, hence none.
    for whole in (counts.astype(int), counts.astype(int).tolist()):
        with pytest.raises(
            ValueError, match="row 0 has the padding id 0 before a token; allow"
        ):
            topic_model.encode(whole)
    ids = WORDS.tokenize(TEXTS).to_tensor().numpy()
    for padded in (ids, ids.tolist()):
        found = topic_model.encode(padded)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_first_weights_of_documents_without_words(topic_model):
    with pytest.raises(ValueError, match="no document with a known word"):
        topic_model.begin_with(["quagga", ""])


@pytest.mark.parametrize("make", [sae, prodlda])
def test_no_loss_of_documents_without_words(make):
    model, unknown = make(), ["quagga", ""]
    for method in (model.fit, model.evaluate):
        with pytest.raises(
            ValueError, match=r"^no document with a known word; allowed: 1 or"
        ):
            method(unknown)
    with pytest.raises(ValueError, match="no document with a known word"):
        model.fit(TEXTS, validation_data=unknown, verbose=0)
    assert model.predict(unknown, verbose=0) is not None


@pytest.mark.parametrize("k", [0, 2.5, 99, "3"])
def test_numbers_of_words_and_documents(topic_model, k):
    match = rf"k='?{k}'?; allowed: whole numbers, 1 to "
    for method in (topic_model.topic_words, topic_model.top_words):
        with pytest.raises(ValueError, match=match):
            method(k)
    with pytest.raises(ValueError, match=match):
        topic_model.nearest_documents(["sea"], TEXTS, k)
    with pytest.raises(ValueError, match="among: no document with a known"):
        topic_model.nearest_documents(["sea"], ["quagga"], 1)
