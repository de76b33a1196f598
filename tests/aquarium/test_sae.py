"""The tutorial on topics of keras-aquarium, typed out, and what it refuses."""

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.metrics import homogeneity_completeness_v_measure

import keras_textgen
from keras_textgen.aquarium import SoftmaxAutoEncoder, sae

# Documents of two subjects: words 0 to 4, and 5 to 9.
N_DOCS, N_WORDS = 100, 10
RNG = np.random.default_rng(0)
Y_TRUE = np.arange(N_DOCS) % 2
DENSE = np.zeros([N_DOCS, N_WORDS], np.float32)
for _row, _label in enumerate(Y_TRUE):
    _columns = 5 * _label + RNG.integers(0, 5, 12)
    np.add.at(DENSE[_row], _columns, 1)
BOW_DOCS = csr_matrix(DENSE)


def test_the_tutorial():
    keras.utils.set_random_seed(1)
    bow_docs, y_true = BOW_DOCS, Y_TRUE
    n_docs, input_dim = bow_docs.shape

    model = sae.SoftmaxAutoEncoder(
        input_dim,
        latent_dim=50,
        encoder=None,
        decoder=None,
        activation=None,
        loss=None,
        use_tied_layer=True,
        use_binary_activation=True,
        alpha=50,
    )

    def generate_dataset(batch_size):
        indices = np.arange(n_docs)
        while True:
            np.random.shuffle(indices)
            for i in range(0, len(indices), batch_size):
                inds = indices[i : i + batch_size]
                yield bow_docs[inds], bow_docs[inds].toarray()

    batch_size = 32
    history = model.fit_generator(
        generate_dataset(batch_size),
        n_docs / batch_size,
        epochs=10,
        verbose=0,
    )
    # 100 / 32 are three whole steps and a part of one.
    assert int(model.train_steps) == 4 * 10
    assert history.history["loss"][-1] < history.history["loss"][0] - 0.1

    km = KMeans(n_clusters=2, n_init=5, random_state=0)
    y_pred = km.fit_predict(model.get_latent_code(bow_docs))
    figures = homogeneity_completeness_v_measure(y_true, y_pred)
    assert min(figures) > 0.9


def test_it_learns_what_the_model_learns():
    """The same first weights, data, optimizer, so the same weights after."""
    settings = {"latent_dim": 3, "alpha": 2.0, "seed": 4}
    wrapper = SoftmaxAutoEncoder(N_WORDS, **settings)
    model = keras_textgen.SoftmaxAutoencoder(num_words=N_WORDS, **settings)
    model.compile(keras.optimizers.Nadam())
    common = {"batch_size": 32, "epochs": 2, "verbose": 0}
    wrapper.fit(BOW_DOCS, DENSE, validation_split=0.2, **common)
    model.fit(BOW_DOCS, validation_split=0.2, **common)
    for found, expected in zip(
        wrapper.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    codes = wrapper.get_latent_code(BOW_DOCS)
    np.testing.assert_array_equal(codes, model.encode(BOW_DOCS))


@pytest.mark.parametrize(
    ("settings", "activation", "tied"),
    [
        ({}, "binary", True),
        ({"use_binary_activation": False}, "tanh", True),
        ({"activation": "tanh"}, "tanh", True),
        ({"use_tied_layer": False, "loss": "kl_divergence"}, "binary", False),
        ({"decoder": keras.layers.Dense(4)}, "binary", False),
    ],
)
def test_arguments_are_those_of_the_model(settings, activation, tied):
    model = SoftmaxAutoEncoder(N_WORDS, 3, alpha=7, **settings)
    assert (model.activation, model.tied) == (activation, tied)
    assert (model.num_words, model.latent_dim, model.alpha) == (N_WORDS, 3, 7)


def made_with_functions():
    return SoftmaxAutoEncoder(
        N_WORDS,
        3,
        encoder=lambda x: keras.layers.Dense(6, activation="relu")(x),
        decoder=lambda code: keras.layers.Dense(5)(keras.ops.tanh(code)),
        alpha=2,
        seed=1,
    )


def test_layers_that_functions_make_are_trained():
    model = made_with_functions()
    # Two layers with bias; W, b, W', b'.
    assert len(model.trainable_variables) == 8
    before = [each.numpy() for each in model.trainable_variables]
    model.fit(BOW_DOCS, verbose=0)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != old), variable.path
    again = model.get_latent_code(BOW_DOCS)
    np.testing.assert_array_equal(model.get_latent_code(BOW_DOCS), again)


@pytest.mark.parametrize(
    "make",
    [lambda: SoftmaxAutoEncoder(N_WORDS, 3, seed=1), made_with_functions],
)
def test_saved(make, tmp_path):
    model = make()
    model.fit(BOW_DOCS, DENSE, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras_textgen.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.get_latent_code(BOW_DOCS), model.get_latent_code(BOW_DOCS)
    )
    loaded.fit(BOW_DOCS, DENSE, verbose=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_dim": 0}, "input_dim=0; allowed: whole"),
        ({"latent_dim": 0}, "latent_dim=0; allowed: whole"),
        ({"activation": "relu"}, "activation='relu'; allowed: None or 'tanh'"),
        ({"activation": np.tanh}, "activation=<ufunc 'tanh'>; allowed"),
        ({"loss": "mse"}, "loss='mse'; allowed: None or 'kl_divergence'"),
        ({"alpha": 0}, "alpha=0; allowed: numbers above 0"),
        ({"use_tied_layer": "no"}, "use_tied_layer='no'; allowed: True, False"),
        # It would be forgotten when the model is saved.
        ({"l2": 0.1}, "l2, which keras-aquarium has not; allowed: name, train"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SoftmaxAutoEncoder(**{"input_dim": 4, **settings})


def test_refused_calls():
    model = SoftmaxAutoEncoder(N_WORDS, 2)
    with pytest.raises(ValueError, match="loss='mse'; allowed"):
        model.compile("adam", loss="mse")
    with pytest.raises(ValueError, match="metrics"):
        model.compile("adam", metrics=["mse"])
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(BOW_DOCS, class_weight={0: 1.0}, verbose=0)
    with pytest.raises(TypeError, match="workers"):
        model.fit_generator(iter([]), 1, workers=2)
    with pytest.raises(ValueError, match=r"counts of shape \[1, 3\]; allowed"):
        model.get_latent_code(np.ones([1, 3], np.float32))
