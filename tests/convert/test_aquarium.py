"""Weights of keras-aquarium against its equations in NumPy."""

import h5py
import numpy as np
import pytest
import scipy.sparse

import keras_textgen
from keras_textgen.convert.__main__ import main
from keras_textgen.convert.aquarium import convert_dmf, convert_sae
from tests.models.tiny_models import close, known_values


def values(*shape, phase=0):
    return np.asarray(known_values(shape, phase), np.float32)


def write(path, layers, in_group=False):
    """A file as Keras 2 writes it: layers by name, in whatever order."""
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if in_group else file
        group.attrs["layer_names"] = [name.encode() for name in layers]
        group.attrs["keras_version"] = b"2.0.8"
        for name, weights in layers.items():
            names = [f"{name}/weight_{i}:0" for i in range(len(weights))]
            of_layer = group.create_group(name)
            of_layer.attrs["weight_names"] = [each.encode() for each in names]
            for each, weight in zip(names, weights, strict=True):
                of_layer[each] = weight
    return path


# -- DMF -----------------------------------------------------------------------

# Four rows, three columns with two features; the tenth dense layer is made
# after the ninth. Keras writes layers by their depth.
DMF = {
    "input_1": [],
    "input_3": [],
    "dense_8": [values(2, 3, phase=3), values(3, phase=4)],
    "embedding_1": [values(4, 3, phase=1)],
    "embedding_2": [values(3, 2, phase=2)],
    "concatenate_1": [],
    "dense_11": [values(5, 4, phase=9), values(4, phase=10)],
    "dense_9": [values(3, 5, phase=5), values(5, phase=6)],
    "dense_12": [values(4, 2, phase=11), values(2, phase=12)],
    "dense_10": [values(5, 2, phase=7), values(2, phase=8)],
    "dot_1": [],
}
LAYERS = {
    "row_layers": [(5, "relu"), (2, "tanh"), (7, "relu")],
    "col_layers": [(4, "tanh"), (2, "linear")],
    "has_col_features": True,
}
FEATURES = np.array([[1.0, 0.0], [0.5, -2.0], [0.0, 3.0]])


def relu(inputs):
    return np.maximum(inputs, 0)


def through(name, inputs):
    kernel, bias = DMF[name]
    return inputs @ kernel + bias


def dmf_reference(row, column):
    """The product of the last levels of both sides."""
    user = relu(through("dense_9", DMF["embedding_1"][0][row]))
    user = np.tanh(through("dense_10", user))
    features = through("dense_8", FEATURES[column])
    item = np.concatenate([DMF["embedding_2"][0][column], features])
    item = through("dense_12", np.tanh(through("dense_11", item)))
    return user @ item


@pytest.mark.parametrize("in_group", [False, True])
def test_predictions_of_dmf(tmp_path, in_group):
    path = write(tmp_path / "dmf.h5", DMF, in_group)
    model = convert_dmf(path, **LAYERS)
    rows, columns = np.indices((4, 3)).reshape(2, -1)
    expected = [dmf_reference(r, c) for r, c in zip(rows, columns, strict=True)]
    features = scipy.sparse.csr_array(FEATURES)[columns]
    close(model.predict([rows, columns, features], verbose=0), expected)


def test_dmf_from_the_shell(tmp_path, capsys):
    layers = {
        "embedding": [values(4, 3)],
        "embedding_1": [values(2, 2, phase=1)],
        "dense": [values(3, 2, phase=2), values(2, phase=3)],
        "dense_1": [values(2, 2, phase=4), values(2, phase=5)],
    }
    path = write(tmp_path / "dmf.h5", layers)
    folder = tmp_path / "mine"
    given = ["dmf", str(path), str(folder)]
    sizes = ["--row_layers=2:tanh", "--col_layers=2:tanh"]
    assert main([*given, *sizes]) == 0
    capsys.readouterr()
    model = keras_textgen.load_model(folder)
    (kernel, bias), (of_items, item_bias) = layers["dense"], layers["dense_1"]
    user = np.tanh(layers["embedding"][0][3] @ kernel + bias)
    item = np.tanh(layers["embedding_1"][0][1] @ of_items + item_bias)
    close(model.predict([[3], [1]], verbose=0), [user @ item])
    assert main(given) == 2
    message = "dense has weights of [3, 2] and [2]; allowed: [3, 50] and [50]"
    assert f"{path}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("layers", "settings", "message"),
    [
        (
            DMF,
            {"has_col_features": False},
            "2 embeddings and 5 dense layers; al",
        ),
        (
            DMF,
            {"has_row_features": True},
            "allowed: 2 and 6: 2 of rows and 2 of",
        ),
        (
            DMF,
            {"has_row_features": True, "has_col_features": False},
            r"dense_9 has weights of \[3, 5\] and \[5\]; allowed: \[6, 5\] and",
        ),
        (DMF, {"row_layers": []}, "row_layers or col_layers of none; allowed"),
        (DMF | {"lstm_1": [values(2)]}, {}, "layers lstm_1; allowed: of embed"),
    ],
)
def test_other_layers_of_dmf_are_refused(tmp_path, layers, settings, message):
    path = write(tmp_path / "dmf.h5", layers)
    with pytest.raises(ValueError, match=message):
        convert_dmf(path, **(LAYERS | settings))


# -- SAE -----------------------------------------------------------------------

KERNEL, BIAS = values(6, 3), values(3, phase=1)
OTHER, OUTPUT_BIAS = values(3, 6, phase=2), values(6, phase=3)
BAGS = np.array([[2.0, 0, 1, 0, 0, 1], [0, 3, 0, 0, 1, 0], [1, 1, 1, 1, 1, 1]])


def softmax(rows):
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("decoder", "kernel"),
    [
        ({"dense_tied_1": [OUTPUT_BIAS]}, KERNEL.T),
        # Of no use there, either: it is replaced as the layer is called.
        ({"dense_tied_1": [OTHER, OUTPUT_BIAS]}, KERNEL.T),
        ({"dense_2": [OTHER, OUTPUT_BIAS]}, OTHER),
    ],
)
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_codes_and_shares_of_sae(tmp_path, decoder, kernel, activation):
    layers = {"input_1": [], "dense_1": [KERNEL, BIAS]} | decoder
    path = write(tmp_path / "sae.h5", layers)
    model = convert_sae(path, alpha=5.0, activation=activation)
    inputs = BAGS / BAGS.sum(axis=1, keepdims=True) @ KERNEL + BIAS
    codes = 1 / (1 + np.exp(-5.0 * inputs))
    if activation == "tanh":
        codes = np.tanh(inputs)
    close(model.get_latent_code(BAGS), codes)
    expected = softmax(codes @ kernel + OUTPUT_BIAS)
    close(softmax(model.logits(codes.astype(np.float32)).numpy()), expected)
    folder = tmp_path / "mine"
    given = ["sae", str(path), str(folder), "--alpha=5"]
    assert main([*given, f"--activation={activation or 'binary'}"]) == 0
    again = keras_textgen.load_model(folder)
    close(again.get_latent_code(BAGS), codes)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            {"dense_1": [KERNEL, BIAS]},
            "1 dense and 0 tied layers; allowed: 1 of",
        ),
        (
            {"dense_1": [KERNEL, BIAS], "dense_2": [OTHER[:2], OUTPUT_BIAS]},
            r"dense_2 has weights of \[2, 6\] and \[6\]; allowed: \[3, 6\] and",
        ),
        ({"dense_1": [KERNEL]}, "1 dense and 0 tied"),
        (
            {"dense_tied_1": [BIAS], "dense_tied_2": [BIAS]},
            "0 dense and 2 tied",
        ),
    ],
)
def test_other_layers_of_sae_are_refused(tmp_path, layers, message):
    path = write(tmp_path / "sae.h5", layers)
    with pytest.raises(ValueError, match=message):
        convert_sae(path)


def test_other_files_are_refused(tmp_path, capsys):
    path = tmp_path / "a.h5"
    path.write_text("no HDF5")
    with pytest.raises(ValueError, match=r"a.h5: no HDF5; allowed: a file of "):
        convert_sae(path)
    model = keras_textgen.aquarium.sae.SoftmaxAutoEncoder(4, 2)
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match="it names no layers; allowed: a file"):
        convert_sae(tmp_path / "a.weights.h5")
    assert main(["sae", str(tmp_path / "b.h5"), str(tmp_path)]) == 2
    assert "b.h5: No such file or directory\n" in capsys.readouterr().err
