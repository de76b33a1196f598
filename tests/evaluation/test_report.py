"""One evaluation for models of all kinds."""

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from sklearn.metrics import f1_score, v_measure_score

import keras_textgen
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.cells import Ratings
from keras_textgen.data.corpus import Corpus
from keras_textgen.data.matrix import Matrix
from keras_textgen.data.views import TokenIds
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.evaluation.report import evaluate_model, format_table
from keras_textgen.evaluation.topic_methods import fit_clusters
from keras_textgen.evaluation.topics import npmi_coherence
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.conformance.registry import with_known_weights

WORDS = ["red", "rose", "wine", "sea", "ship"]
TRAIN = ["red rose", "a ship", "red wine", "the sea", "rose wine", "sea ship"]
LABELS = [0, 1, 0, 1, 0, 1]
TEST = ["wine rose", "ship", "sea wine", "red"]
TEST_LABELS = [0, 1, 1, 0]


def documents(test=TEST, test_labels=TEST_LABELS):
    labels = {"train": LABELS, "valid": LABELS, "test": test_labels}
    return Corpus(
        "poems",
        train=TRAIN,
        valid=TRAIN,
        test=test,
        labels={split: np.array(each) for split, each in labels.items()},
        label_names=("land", "sea"),
    )


def test_public():
    assert keras_textgen.evaluate_model is evaluate_model


# -- Text models -------------------------------------------------------------


@pytest.fixture(scope="module")
def language_model():
    model = LSTMLanguageModel(Vocabulary(WORDS), rnn_units=3, embedding_dim=2)
    model = with_known_weights(model)
    model.compile()
    return model


def test_texts_in_every_form(language_model):
    vocabulary = language_model.vocabulary
    tokens = vocabulary.tokenize_corpus(TEST)
    corpus = TokenIds(
        "poems", tokens[:1], tokens[:1], tokens, vocabulary=vocabulary
    )
    nll = language_model.predict(TEST, verbose=0)["nll"]
    for data in (TEST, corpus, SequenceBatches(tokens, 3), tokens):
        results = evaluate_model(language_model, data)
        assert results["model"] == "LSTMLanguageModel"
        assert results["sequences"] == 4
        assert results["nll"] == pytest.approx(np.mean(nll), rel=1e-5)
    assert format_table(results).startswith("model  ")


def test_what_a_text_model_refuses(language_model):
    dataset = tf.data.Dataset.from_tensor_slices(TEST).batch(2)
    with pytest.raises(ValueError, match=r"a dataset.*allowed: SequenceBatch"):
        evaluate_model(language_model, dataset)
    with pytest.raises(TypeError, match="'baselines'"):
        evaluate_model(language_model, TEST, baselines=True)


# -- Documents ---------------------------------------------------------------


@pytest.fixture(scope="module")
def classifier():
    model = HierarchicalAttentionNetwork(
        Vocabulary(WORDS), ["land", "sea"], embedding_dim=2, rnn_units=2
    )
    return with_known_weights(model)


def test_classifier(classifier):
    results = evaluate_model(classifier, documents(), batch_size=3)
    predicted = np.argmax(classifier.predict(TEST), axis=1)
    assert results["model"] == "HierarchicalAttentionNetwork"
    assert results["documents"] == 4
    assert results["predicted"].tolist() == predicted.tolist()
    right = np.mean(predicted == TEST_LABELS)
    assert results["accuracy"] == right
    macro_f1 = f1_score(TEST_LABELS, predicted, average="macro")
    assert results["macro_f1"] == pytest.approx(macro_f1)
    model, baseline = results["systems"]
    assert model == "han"
    assert baseline.startswith("bag of words")
    of_sea = results["classes"]["sea"]
    is_sea = predicted == 1
    assert of_sea["documents"] == 2
    assert of_sea["recall"] == np.mean(is_sea[[1, 2]])
    lines = format_table(results).splitlines()
    assert lines[0].split() == ["system", "accuracy", "macro-F1"]
    assert lines[1].split() == ["han", f"{right:.4f}", f"{macro_f1:.4f}"]
    assert lines[4].split()[0] == "class"
    assert [line.split()[0] for line in lines[5:]] == ["land", "sea"]


def test_documents_and_labels_alone(classifier):
    names = [("land", "sea")[each] for each in TEST_LABELS]
    results = evaluate_model(classifier, (TEST, names))
    assert list(results["systems"]) == ["han"]
    whole = evaluate_model(classifier, documents())
    assert results["accuracy"] == whole["accuracy"]
    land = evaluate_model(classifier, (TEST[:1], [0]))
    assert land["absent_classes"] == ["sea"]
    assert "Not in the test set: sea." in format_table(land)


def test_what_is_no_model_is_refused(tmp_path):
    for call in (
        lambda: evaluate_model(WORDS, TEST),
        lambda: keras_textgen.export_model(WORDS, tmp_path),
        lambda: keras_textgen.save_to_preset(WORDS, tmp_path / "preset"),
    ):
        with pytest.raises(
            ValueError,
            match=r"^model of type list; allowed: a model of keras_t",
        ):
            call()
    assert not (tmp_path / "preset").exists()


def test_what_a_classifier_refuses(classifier):
    with pytest.raises(ValueError, match=r"list; allowed: a corpus.*\(docume"):
        evaluate_model(classifier, TEST)
    without = Corpus("poems", TRAIN, TRAIN, TEST)
    with pytest.raises(ValueError, match="poems: the documents have no labels"):
        evaluate_model(classifier, without)
    with pytest.raises(TypeError, match="'importance_samples'"):
        evaluate_model(classifier, documents(), importance_samples=5)


# -- Topics ------------------------------------------------------------------


@pytest.fixture(scope="module")
def topic_model():
    model = SoftmaxAutoencoder(
        Vocabulary(WORDS), latent_dim=2, num_topics=2, alpha=2.0
    )
    model.kernel.assign(np.linspace(-3, 3, 10).reshape(5, 2) ** 2 - 4)
    model.fit_topics(TRAIN)
    return model


def test_topics(topic_model):
    # Nothing is known of the last one.
    corpus = documents([*TEST, "none"], [*TEST_LABELS, 0])
    results = evaluate_model(topic_model, corpus)
    assert results["model"] == "SoftmaxAutoencoder"
    assert (results["documents"], results["topics"]) == (4, 2)
    train, test = results["scores"][:2]
    assert (train.method, train.split) == ("SAE + K-means", "train")
    codes = topic_model.encode(TRAIN)
    clusters = fit_clusters(codes, 2, topic_model.seed)
    found = clusters.predict(topic_model.encode(TEST))
    assert test.v_measure == pytest.approx(v_measure_score(TEST_LABELS, found))
    counts = scipy.sparse.csr_array(
        [[text.split().count(word) for word in WORDS] for text in TRAIN]
    )
    columns = topic_model.topic_word_columns(5).numpy()
    coherence = np.mean(npmi_coherence(columns, counts))
    assert train.npmi == pytest.approx(coherence)
    assert [each.split(",")[0] for each in results["predicted"]] == [
        "codes",
        "words",
    ]
    text = format_table(results)
    assert text.startswith("method ")
    assert "\n\nsystem " in text


def test_topics_without_labels(topic_model):
    corpus = Corpus("poems", TRAIN, TRAIN, TEST)
    results = evaluate_model(topic_model, corpus)
    assert results["scores"][0].v_measure is None
    assert "predicted" not in results
    assert "system" not in format_table(results)


def test_what_a_topic_model_refuses(topic_model):
    with pytest.raises(ValueError, match="list; allowed: a corpus, as load_do"):
        evaluate_model(topic_model, TEST)
    for model, message in (
        (SoftmaxAutoencoder(num_words=5), "the model has no vocabulary"),
        (SoftmaxAutoencoder(Vocabulary(WORDS)), "no topics yet; allowed: aft"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate_model(model, documents())


# -- Matrices ----------------------------------------------------------------

MATRIX = np.float32([[5, 4, 1, 0], [4, 0, 2, 5], [1, 2, 5, 4]])
IDS = ("ann", "bob", "eve"), ("a", "b", "c", "d")


def cells(*places):
    rows, columns = np.array(places, np.int32).T
    return Ratings(rows, columns, MATRIX[rows, columns])


TEST_CELLS = [(0, 1), (1, 2), (2, 3)]


def ratings(test=TEST_CELLS, ids=IDS):
    train = cells((0, 0), (1, 0), (1, 3), (2, 0), (2, 1), (2, 2))
    return Matrix(
        "films",
        train,
        cells((0, 2)),
        cells(*test),
        row_names=ids[0],
        column_names=ids[1],
        column_titles=ids[1],
        value_range=(1, 5),
    )


def factorization(**settings):
    train = ratings().train
    return with_known_weights(
        DualMatrixFactorization(
            *IDS, seen=train.matrix((3, 4)), global_mean=3.0, **settings
        )
    )


def test_explicit_feedback():
    model = factorization(value_range=(1, 5))
    results = evaluate_model(model, ratings())
    figures = results["figures"]
    scores = model.row_encoder() @ model.col_encoder().T
    errors = [np.clip(scores[c], 1, 5) - MATRIX[c] for c in TEST_CELLS]
    assert figures["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    mean = np.mean([5, 4, 5, 1, 2, 5])
    of_mean = [mean - MATRIX[c] for c in TEST_CELLS]
    assert figures["global mean mae"] == pytest.approx(np.mean(np.abs(of_mean)))
    # The cells above the mean, 22 / 6: a film each of two users.
    assert results["relevant_above"] == pytest.approx(mean)
    gains = []
    for row, known, liked in ((0, [0, 2], 1), (2, [0, 1, 2], 3)):
        free = [each for each in range(4) if each not in known]
        rank = sorted(free, key=lambda c: -scores[row, c]).index(liked)
        gains.append(1 / np.log2(2 + rank))
    assert figures["rows"] == 2
    assert figures["ndcg@10"] == pytest.approx(np.mean(gains))
    text = format_table(results)
    assert text.startswith(f"RMSE         {figures['rmse']:.4f}, global mean ")
    assert text.endswith(
        "\nrelevant are values above 3.667, the mean of training"
    )


def test_other_feedback_has_no_errors():
    results = evaluate_model(factorization(feedback="implicit"), ratings())
    assert "rmse" not in results["figures"]
    assert results["figures"]["rows"] == 3
    assert "relevant" not in format_table(results)
    ranking = factorization(feedback="ranking", relevant_above=4.5)
    with_none = evaluate_model(ranking, ratings())
    assert with_none["figures"] == {}
    assert format_table(with_none).startswith("nothing to recommend\n")
    ranking = factorization(feedback="ranking", relevant_above=3.0)
    results = evaluate_model(ranking, ratings())
    assert results["figures"]["rows"] == 2
    assert format_table(results).endswith("relevant are values above 3")


def test_what_a_factorization_refuses():
    model = factorization()
    with pytest.raises(ValueError, match="csr_array; allowed: a corpus, as lo"):
        evaluate_model(model, scipy.sparse.csr_array(MATRIX))
    others = IDS[0], ("b", "a", "c", "d")
    with pytest.raises(ValueError, match="films: rows or columns of other ids"):
        evaluate_model(model, ratings(ids=others))
    with pytest.raises(ValueError, match="a relevant cell is seen"):
        evaluate_model(model, ratings(test=[(0, 0)]))
