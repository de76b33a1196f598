"""Softmax autoencoder: parity with NumPy, gradients, invariances, topics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.data.batches.bags import count_words
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.conformance.served import REFUSED_BAGS
from tests.models.tiny_bags import COUNTS, WORDS, bags
from tests.models.tiny_models import close, with_values_in_order

SETTINGS = {"latent_dim": 3, "alpha": 2.0, "num_topics": 2}


def tiny(**settings):
    return with_values_in_order(
        SoftmaxAutoencoder(Vocabulary(WORDS), **{**SETTINGS, **settings})
    )


@pytest.fixture(scope="module")
def model():
    return tiny()


# -- Parity -------------------------------------------------------------------


def reference(weights, counts, *, alpha, activation, l2):
    """Codes, reconstructions, divergences and losses, from the equations.

    Args:
        weights: W, b, (W' if untied,) b'.
    """
    kernel, bias, *output_kernel, output_bias = weights
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    x = counts / totals
    inputs = x @ kernel + bias
    codes = (
        np.tanh(inputs)
        if activation == "tanh"
        else 1 / (1 + np.exp(-alpha * inputs))
    )
    (output_kernel,) = output_kernel or [kernel]
    powers = np.exp(codes @ output_kernel.T + output_bias)
    y = powers / powers.sum(axis=1, keepdims=True)
    kl = np.array(
        [
            sum(p * np.log(p / q) for p, q in zip(*rows, strict=True) if p)
            for rows in zip(x, y, strict=True)
        ]
    )
    squared = [kernel, output_bias]
    if len(weights) == 4:
        squared.append(output_kernel)
    penalty = l2 * sum((each**2).sum() for each in squared)
    return codes, y, kl, kl + penalty


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "binary", "tied": True, "l2": 0.25},
        {"activation": "tanh", "tied": False, "l2": 0.5},
    ],
    ids=["tied", "untied"],
)
def test_parity_and_gradients(settings):
    model = tiny(**settings)
    weights = [np.float64(each) for each in model.trainable_variables]
    tied = settings.pop("tied")
    assert len(weights) == (3 if tied else 4)
    if not tied:
        # In the order in which they were made.
        names = [each.name for each in model.trainable_variables]
        assert names == ["kernel", "bias", "output_kernel", "output_bias"]

    def figures(weights):
        return reference(weights, COUNTS.toarray(), alpha=2.0, **settings)

    codes, y, kl, losses = figures(weights)
    with tf.GradientTape() as tape:
        outputs = model.step_outputs(bags(), training=True)
        loss = tf.reduce_mean(outputs["losses"])
    close(model(bags()), codes)
    close(model.reconstruct(bags()), y)
    close(outputs["kl"], kl)
    close(outputs["losses"], losses)
    assert kl[2] == 0  # without words

    step = 1e-5
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(weights, gradients, strict=True):
        expected = np.empty_like(weight)
        for place in np.ndindex(weight.shape):
            value = weight[place]
            ends = []
            for moved in (value + step, value - step):
                weight[place] = moved
                ends.append(figures(weights)[-1].mean())
            weight[place] = value
            expected[place] = (ends[0] - ends[1]) / (2 * step)
        close(gradient, expected, 1e-5)


def test_own_encoder_and_decoder():
    encoder = keras.layers.Dense(4, activation="relu")
    decoder = keras.layers.Dense(2, activation="tanh")
    model = tiny(encoder=encoder, decoder=decoder, tied=False)
    x = COUNTS.toarray() / np.maximum(COUNTS.sum(axis=1), 1)[:, np.newaxis]
    hidden = np.maximum(x @ encoder.kernel.numpy() + encoder.bias.numpy(), 0)
    inputs = hidden @ model.kernel.numpy() + model.bias.numpy()
    codes = 1 / (1 + np.exp(-2 * inputs))
    close(model(bags()), codes)
    hidden = np.tanh(codes @ decoder.kernel.numpy() + decoder.bias.numpy())
    logits = hidden @ model.output_kernel.numpy().T + model.output_bias.numpy()
    powers = np.exp(logits)
    close(model.reconstruct(bags()), powers / powers.sum(1, keepdims=True))
    again = SoftmaxAutoencoder.from_config(model.get_config())
    assert again.count_params() == model.count_params()
    assert len(again.trainable_variables) == 8


def test_initial_weights_depend_on_the_seed_alone():
    first, second, other = (
        SoftmaxAutoencoder(num_words=40, tied=False, seed=seed)
        for seed in (1, 1, 2)
    )
    for name in ("kernel", "output_kernel"):
        weights = getattr(first, name).numpy()
        assert np.array_equal(weights, getattr(second, name).numpy())
        assert not np.array_equal(weights, getattr(other, name).numpy())
    kernels = first.kernel.numpy(), first.output_kernel.numpy()
    assert not np.array_equal(*kernels)


# -- Invariances ---------------------------------------------------------------


def test_other_batches_change_nothing(model):
    codes = model.encode(COUNTS)
    close(model.encode(COUNTS, batch_size=2), codes)
    close(model.transform(COUNTS[[3]])[0], codes[3])
    close(model.predict(COUNTS, batch_size=3, verbose=0), codes)
    for batch_size in (1, 3, 64):
        figures = model_figures(model, batch_size)
        close(figures, model_figures(model, 2))


def model_figures(model, batch_size):
    if not model.compiled:
        model.compile("nadam")
    return model.evaluate(COUNTS, batch_size=batch_size, verbose=0)


def test_order_of_terms_and_scale_of_counts(model):
    batch = bags()
    expected = model.step_outputs(batch, training=False)
    order = np.arange(batch["columns"].shape[1])[::-1]
    reversed_terms = {
        name: tf.gather(each, order, axis=1) for name, each in batch.items()
    }
    for name, found in model.step_outputs(reversed_terms, False).items():
        close(found, expected[name])
    close(model.encode(7 * COUNTS), model.encode(COUNTS))


def test_texts_ids_and_counts_are_the_same(model):
    texts = ["Red rose! Red...", "ship, SAIL ship sail ship sea ship waves"]
    counts = count_words(texts, model.vocabulary)
    ids = [[4, 5, 4], [2, 8, 10, 8, 10, 8, 7, 8, 1, 3]]
    expected = model.encode(counts)
    for data in (texts, np.array(texts), ids, counts.toarray(), counts.tocoo()):
        close(model.encode(data), expected)


# -- Training and topics -------------------------------------------------------

ROSES = ["red rose wine", "red wine rose red", "rose wine red", "wine red"]
SHIPS = ["sea ship wave", "wave sea sail", "sail ship wave", "sail sea ship"]


@pytest.fixture(scope="module")
def trained():
    model = SoftmaxAutoencoder(
        Vocabulary(WORDS), latent_dim=2, num_topics=2, seed=3
    )
    model.compile(keras.optimizers.Nadam(0.05))
    data = count_words(ROSES + SHIPS, model.vocabulary)
    history = model.fit(
        data, batch_size=4, epochs=40, validation_data=data, verbose=0
    )
    model.fit_topics(data)
    return model, history.history


def test_training_separates_topics(trained):
    model, history = trained
    assert history["val_kl"][-1] < 0.6 * history["val_kl"][0]
    topics = model.topics(ROSES + SHIPS + ["a rosy rose", "to sea"])
    rose, ship = topics[0], topics[4]
    assert rose != ship
    assert topics.tolist() == [rose] * 4 + [ship] * 4 + [rose, ship]
    words = model.topic_words(3)
    assert set(words[rose]) == {"red", "rose", "wine"}
    assert set(words[ship]) < {"sea", "ship", "wave", "sail"}


def test_topic_words_by_hand(trained):
    model, _ = trained
    logits = model.topic_centers.numpy() @ model.kernel.numpy().T
    powers = np.exp(logits + model.output_bias.numpy())
    y = powers / powers.sum(axis=1, keepdims=True)
    scores = y / (y.mean(axis=0) + 1 / len(WORDS))
    expected = np.argsort(-scores, axis=1)[:, :2]
    found = [
        [WORDS.index(word) for word in row] for row in model.topic_words(2)
    ]
    assert found == expected.tolist()


def test_top_words_are_those_of_the_kernel():
    for activation in ("binary", "tanh"):
        model = tiny(activation=activation)
        expected = np.argsort(-model.kernel.numpy(), axis=0)[:2].T
        words = [[WORDS[each] for each in row] for row in expected]
        assert model.top_words(2) == words


def test_nearest_documents(trained):
    model, _ = trained
    among = ROSES + SHIPS
    numbers, distances = model.nearest_documents(
        ["rose red", "sail wave ship"], among, 8
    )
    codes = model.encode(["rose red", "sail wave ship"])
    others = model.encode(among)
    for row in range(2):
        expected = np.sqrt(((others - codes[row]) ** 2).sum(axis=1))
        close(distances[row], np.sort(expected))
        assert sorted(numbers[row]) == list(range(8))
        assert np.all(np.diff(distances[row]) >= 0)
    assert distances[1, 0] < 1e-6
    numbers, _ = model.nearest_documents(["wine"], ["wine", "wine", "wine"], 2)
    assert numbers.tolist() == [[0, 1]]


def test_saved_with_topics_and_vocabulary(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras_textgen.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    texts = [*ROSES, *SHIPS, "sail the sea", "unknown"]
    assert loaded.topics(texts).tolist() == model.topics(texts).tolist()
    assert loaded.topic_words(3) == model.topic_words(3)


def test_documents_without_a_known_word_have_no_topic(trained):
    model, _ = trained
    texts = [*ROSES, "quagga", *SHIPS, "", "a zebra"]
    known = [0, 1, 2, 3, 5, 6, 7, 8]
    unknown = [4, 9, 10]
    topics = model.topics(texts)
    assert topics[unknown].tolist() == [-1] * 3
    assert topics[known].tolist() == model.topics(ROSES + SHIPS).tolist()
    centers = model.topic_centers.numpy()
    model.fit_topics(texts)
    close(model.topic_centers.numpy(), centers)
    with pytest.raises(ValueError, match=r"num_topics=2 for 1 document"):
        tiny().fit_topics(["sea", "quagga", "zebra"])
    # Nothing is near them, and they are near nothing.
    numbers, distances = model.nearest_documents(["zebra", "sea"], texts, 8)
    assert numbers[0].tolist() == [-1] * 8
    assert np.all(np.isnan(distances[0]))
    assert sorted(numbers[1]) == known
    with pytest.raises(
        ValueError, match=r"k=9; allowed: whole numbers, 1 to 8"
    ):
        model.nearest_documents(["sea"], texts, 9)


def test_documents_without_a_known_word_are_in_no_mean(trained):
    model, _ = trained
    expected = model.evaluate(ROSES + SHIPS, verbose=0, batch_size=4)
    texts = ["quagga", *ROSES, "", *SHIPS, "zebra"]
    close(model.evaluate(texts, verbose=0, batch_size=4), expected)


# -- Refusals ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "neither vocabulary nor num_words"),
        ({"num_words": 0}, "num_words=0; allowed: whole"),
        ({"num_words": 3, "latent_dim": 0}, "latent_dim=0"),
        ({"num_words": 3, "num_topics": 0}, "num_topics=0"),
        ({"num_words": 3, "activation": "relu"}, "allowed: binary, tanh"),
        ({"num_words": 3, "alpha": 0.0}, "alpha=0.0; allowed: numbers above 0"),
        ({"num_words": 3, "l2": np.nan}, "l2=nan; allowed:"),
        ({"num_words": 3, "decoder": tf.identity}, "allowed: tied=False"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxAutoencoder(**settings)


def test_width_of_another_vocabulary():
    with pytest.raises(ValueError, match=r"num_words=9; allowed: the 7 words"):
        SoftmaxAutoencoder(Vocabulary(WORDS), num_words=9)


def test_refused_calls(model):
    with pytest.raises(ValueError, match="no topics yet; allowed: after fit"):
        model.topics(ROSES)
    with pytest.raises(ValueError, match="no topics yet"):
        model.topic_words()
    with pytest.raises(
        ValueError, match=r"k=8; allowed: whole numbers, 1 to 7"
    ):
        model.top_words(8)
    with pytest.raises(
        ValueError, match=r"k=5; allowed: whole numbers, 1 to 4"
    ):
        model.nearest_documents(["sea"], ROSES, 5)
    with pytest.raises(ValueError, match=r"num_topics=2 for 1 document"):
        tiny().fit_topics(["sea"])
    with pytest.raises(ValueError, match="the model has no vocabulary"):
        SoftmaxAutoencoder(num_words=3).top_words(1)


def test_biases_begin_with_the_mean_document():
    counts = np.array([[2.0, 2, 0, 0], [1, 0, 3, 0], [0, 0, 0, 0]])
    mean = (counts[0] / 4 + counts[1] / 4) / 2
    model = SoftmaxAutoencoder(num_words=4, latent_dim=3)
    model.begin_with(counts)
    logs = model.output_bias.numpy()
    # Word 3 is in no document; the rarest that is has a share of 1/4.
    expected = np.array([*mean[:3], mean[:3].min() / 2])
    np.testing.assert_allclose(
        np.exp(logs) / np.exp(logs).sum(), expected / expected.sum(), rtol=1e-6
    )
    assert logs.mean() == pytest.approx(0, abs=1e-6)
    assert model.kernel.numpy().std() == pytest.approx(0.1)
    codes = model.encode(mean[np.newaxis].astype(np.float32))
    np.testing.assert_allclose(codes, 0.5, atol=1e-6)
    own = SoftmaxAutoencoder(
        num_words=4,
        tied=False,
        encoder=lambda x: tf.sparse.to_dense(x),
    )
    with pytest.raises(ValueError, match="encoder of its own; allowed"):
        own.begin_with(counts)


def test_a_model_of_documents():
    counts = np.array([[3.0, 4, 0], [0, 0, 0], [2, 2, 1]])
    # Rows of shares are 5/7 and 3/5 long; one has no word.
    alpha = 7.5 / ((5 / 7 + 3 / 5) / 2)
    make = SoftmaxAutoencoder.from_documents
    model = make(counts, latent_dim=2, seed=4)
    assert model.alpha == pytest.approx(alpha)
    begun = SoftmaxAutoencoder(num_words=3, alpha=alpha, latent_dim=2, seed=4)
    begun.begin_with(counts)
    for weight, expected in zip(model.weights, begun.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert make(counts, alpha=9.0).alpha == 9
    texts = ["red red red rose rose rose rose", "x", "red red rose rose sea"]
    of_texts = make(texts, Vocabulary(["red", "rose", "sea"]))
    assert of_texts.alpha == pytest.approx(alpha)
    alone = make(np.array([[3.0], [1.0]]), latent_dim=1)
    assert all(np.isfinite(each).all() for each in alone.get_weights())
    with pytest.raises(ValueError, match="no document with a known word"):
        make(np.zeros([2, 3]))
    with pytest.raises(ValueError, match="num_words"):
        make(texts)


@pytest.mark.parametrize(("columns", "counts", "message"), REFUSED_BAGS)
def test_refused_bags(columns, counts, message):
    model = SoftmaxAutoencoder(num_words=6, latent_dim=2)
    bags = {
        "columns": tf.constant(columns),
        "counts": tf.constant(counts, tf.float32),
    }
    dataset = tf.data.Dataset.from_tensors(bags)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.encode(dataset)
