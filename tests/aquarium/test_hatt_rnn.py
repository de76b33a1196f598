"""The HAN of keras-aquarium: its tutorial, and what it is here."""

import keras
import numpy as np
import pytest

import keras_textgen
from keras_textgen.aquarium import hatt_rnn
from tests.models.han_reference import reference
from tests.models.numpy_reference import log_softmax
from tests.models.tiny_models import close, with_values_in_order

N_DOCS, MAX_SENTS, MAX_SENT_LENGTH, N_CLASSES = 60, 3, 5, 3
WORDS = ["good", "bad", "fair", "the", "film", "was", "we", "saw", "it"]


def load_vocabulary():
    return {word: number for number, word in enumerate(WORDS, 1)}


def load_word_embeddings():
    """A row a word, and the first for padding, of width 50."""
    return np.random.default_rng(1).normal(0, 0.3, [1 + len(WORDS), 50])


def make_documents():
    """Padded ids as floats; a sentence of each has the word of the class."""
    rng = np.random.default_rng(2)
    docs = np.zeros([N_DOCS, MAX_SENTS, MAX_SENT_LENGTH])
    labels = np.arange(N_DOCS) % N_CLASSES
    for doc, label in zip(docs, labels, strict=True):
        sentences = rng.integers(1, 1 + MAX_SENTS)
        for sentence in doc[:sentences]:
            words = rng.integers(1, 1 + MAX_SENT_LENGTH)
            sentence[:words] = rng.integers(4, 1 + len(WORDS), words)
        doc[rng.integers(sentences), 0] = 1 + label
    return docs, labels


def tiny(**settings):
    sizes = {"n_words": 9, "word_dim": 4, "word_hidden_dim": 3}
    model = hatt_rnn.HierarchicalAttentionRNN(
        MAX_SENTS, MAX_SENT_LENGTH, N_CLASSES, **{**sizes, **settings}
    )
    return with_values_in_order(model)


def test_the_tutorial():
    sequence_docs, labels = make_documents()
    word_embeddings = load_word_embeddings()
    vocabulary = load_vocabulary()
    max_sents, max_sent_length, n_classes = MAX_SENTS, MAX_SENT_LENGTH, 3
    keras.utils.set_random_seed(0)

    model = hatt_rnn.HierarchicalAttentionRNN(
        max_sents,
        max_sent_length,
        n_classes,
        # if use word_embeddings to initialize word embeddings layer
        embeddings=word_embeddings,
        # else
        n_words=len(vocabulary),
        word_dim=50,
        # units in words and sentences gru layer
        word_hidden_dim=100,
        sent_hidden_dim=100,
    )
    np.testing.assert_array_equal(
        model.embedding.embeddings, word_embeddings.astype(np.float32)
    )
    model.fit(sequence_docs[:45], labels[:45], epochs=8, verbose=0)
    predicted = model.predict(sequence_docs[45:], verbose=0).argmax(axis=1)
    assert predicted.tolist() == labels[45:].tolist()
    # The vectors are trained further, but for padding's.
    moved = model.embedding.embeddings.numpy() != word_embeddings.astype("f")
    assert moved[1:].any(axis=1).all()
    assert not moved[0].any()


def test_it_is_the_network_of_the_paper():
    """Given its weights, NumPy gives the probabilities."""
    model = tiny(sent_hidden_dim=2)
    docs, _ = make_documents()
    read = [
        [
            sentence[sentence > 0].astype(int)
            for sentence in doc
            if sentence.any()
        ]
        for doc in docs[:8]
    ]
    expected = [np.exp(log_softmax(reference(model, doc)[0])) for doc in read]
    close(model.predict(docs[:8], verbose=0), expected)
    assert np.ptp(expected, axis=0).min() > 0.01


def test_sizes_are_those_of_the_arguments():
    model = tiny(sent_hidden_dim=2)
    shapes = [tuple(each.shape) for each in model.trainable_variables]
    assert shapes[0] == (1 + 9, 4)
    assert shapes[-2:] == [(2 * 2, N_CLASSES), (N_CLASSES,)]
    assert (6, 6) in shapes  # The words' attention space is 2 * 3 wide.
    assert (model.max_sentences, model.max_words) == (3, 5)
    defaults = hatt_rnn.HierarchicalAttentionRNN(3, 5, 2, n_words=9)
    assert defaults.embedding.embeddings.shape == (10, 50)
    assert defaults.word_encoder.units == 100
    assert defaults.sentence_encoder.units == 100


def test_one_hot_rows_and_numbers_are_the_same_labels():
    docs, labels = make_documents()
    fits = []
    for y in (labels, labels.tolist(), np.eye(N_CLASSES)[labels]):
        model = tiny(sent_hidden_dim=2)
        model.compile("nadam", run_eagerly=True)
        model.fit(docs, y, verbose=0)
        fits.append(model.get_weights())
    for other in fits[1:]:
        for one, same in zip(fits[0], other, strict=True):
            np.testing.assert_array_equal(one, same)


def test_compile(tmp_path):
    docs, labels = make_documents()
    model = tiny()
    model.compile(loss="sparse_categorical_crossentropy")
    model.compile(
        loss="categorical_crossentropy",
        optimizer="nadam",
        metrics=["accuracy"],
    )
    found = model.evaluate(docs, labels, verbose=0, return_dict=True)
    probabilities = model.predict(docs, verbose=0)
    nats = -np.log(probabilities[np.arange(N_DOCS), labels])
    assert found["loss"] == pytest.approx(nats.mean(), rel=1e-5)
    hits = probabilities.argmax(axis=1) == labels
    assert found["accuracy"] == pytest.approx(hits.mean())
    model.save(tmp_path / "model.keras")
    again = keras_textgen.load_model(tmp_path / "model.keras")
    close(again.predict(docs, verbose=0), probabilities, 1e-6)
    assert isinstance(again.optimizer, keras.optimizers.Nadam)


@pytest.mark.parametrize(
    "loss", ["mse", ["categorical_crossentropy"], keras.losses.KLDivergence()]
)
def test_another_loss_is_refused(loss):
    message = (
        "^compile with loss=.*; allowed: None or "
        "'sparse_categorical_crossentropy' or 'categorical_crossentropy', as"
    )
    with pytest.raises(ValueError, match=message):
        tiny().compile("nadam", loss=loss)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_words": None}, "n_words=None without embeddings; allowed: one"),
        ({"n_words": 0}, "n_words=0; allowed: whole"),
        ({"n_classes": 1}, "n_classes=1; allowed: whole numbers, 2 or more"),
        ({"n_classes": 2.5}, "n_classes=2.5; allowed: whole numbers, 2 or mo"),
        ({"max_sents": 0}, "max_sents=0; allowed: whole"),
        (
            {"max_sent_length": 0},
            "max_sent_length=0; allowed: whole numbers, 1 or more",
        ),
        (
            {"word_hidden_dim": 0},
            "word_hidden_dim=0; allowed: whole numbers, 1 or more",
        ),
        (
            {"sent_hidden_dim": 0},
            "sent_hidden_dim=0; allowed: whole numbers, 1 or more",
        ),
        ({"word_dim": 0}, "word_dim=0; allowed: whole"),
        (
            {"embeddings": np.ones([7, 4]), "n_words": 8},
            "n_words=8 with embeddings of 7 rows; allowed: None, 6 words, or 7",
        ),
        (
            {"embeddings": np.ones([10, 4]), "word_dim": 5},
            "word_dim=5 with embeddings of width 4; allowed: 4",
        ),
        ({"embeddings": np.ones([10])}, r"embeddings of shape \[10\]; allow"),
        ({"embeddings": [["a"], ["b"]]}, "word vectors of type <U1"),
    ],
)
def test_refused_arguments(settings, message):
    settings = {
        "max_sents": 2,
        "max_sent_length": 3,
        "n_classes": 2,
        **({} if "embeddings" in settings else {"n_words": 9}),
        **settings,
    }
    with pytest.raises(ValueError, match=f"^{message}"):
        hatt_rnn.HierarchicalAttentionRNN(**settings)


@pytest.mark.parametrize("n_words", [None, 6, 7])
def test_a_matrix_says_how_many_words_there_are(n_words):
    model = hatt_rnn.HierarchicalAttentionRNN(
        2, 3, 2, embeddings=np.ones([7, 4]).tolist(), n_words=n_words
    )
    assert model.num_ids == 7
    with pytest.raises(ValueError, match=r"^token id 7; allowed: 1 to 6, and"):
        model.predict([[[7]]])
