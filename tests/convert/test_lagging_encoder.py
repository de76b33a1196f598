"""The LSTM-VAE of a state dict against the equations of its code in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.convert.__main__ import main
from keras_textgen.convert.lagging_encoder import convert_lstm_vae
from tests.convert.torch_writer import lend_names, state_dict, write_legacy
from tests.models.numpy_reference import log_softmax
from tests.models.tiny_models import close, known_values

WORDS = ["<pad>", "<s>", "</s>", "_UNK", "The", "rose", "is", "red"]
WIDTH, UNITS, OTHER_UNITS, CODES = 3, 4, 5, 2
SHAPES = {
    "encoder.embed.weight": (8, WIDTH),
    "encoder.lstm.weight_ih_l0": (4 * UNITS, WIDTH),
    "encoder.lstm.weight_hh_l0": (4 * UNITS, UNITS),
    "encoder.lstm.bias_ih_l0": (4 * UNITS,),
    "encoder.lstm.bias_hh_l0": (4 * UNITS,),
    "encoder.linear.weight": (2 * CODES, UNITS),
    "decoder.embed.weight": (8, WIDTH),
    "decoder.trans_linear.weight": (OTHER_UNITS, CODES),
    "decoder.lstm.weight_ih_l0": (4 * OTHER_UNITS, WIDTH + CODES),
    "decoder.lstm.weight_hh_l0": (4 * OTHER_UNITS, OTHER_UNITS),
    "decoder.lstm.bias_ih_l0": (4 * OTHER_UNITS,),
    "decoder.lstm.bias_hh_l0": (4 * OTHER_UNITS,),
    "decoder.pred_linear.weight": (8, OTHER_UNITS),
}
TENSORS = {
    name: np.asarray(known_values(shape, phase), np.float32)
    for phase, (name, shape) in enumerate(SHAPES.items())
} | {"decoder.loss.weight": np.ones(8, np.float32)}


@pytest.fixture
def path(tmp_path, monkeypatch):
    lend_names(monkeypatch)
    write_legacy(tmp_path / "yahoo.pt", state_dict(TENSORS))
    return tmp_path / "yahoo.pt"


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def lstm(name, inputs, hidden, cell):
    """PyTorch's LSTM: gates in the order input, forget, cell, output."""
    of_input, of_hidden, *biases = (
        TENSORS[f"{name}.{each}_l0"].astype(float)
        for each in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    outputs = []
    for each in inputs:
        sums = of_input @ each + of_hidden @ hidden + biases[0] + biases[1]
        entry, kept, new, shown = np.split(sums, 4)
        cell = sigmoid(kept) * cell + sigmoid(entry) * np.tanh(new)
        hidden = sigmoid(shown) * np.tanh(cell)
        outputs.append(hidden)
    return np.array(outputs)


def reference(ids):
    """Mean and log-variance of a code, and the logits given its mean."""
    inputs = TENSORS["encoder.embed.weight"][ids].astype(float)
    zeros = np.zeros(UNITS)
    last = lstm("encoder.lstm", inputs, zeros, zeros)[-1]
    mean, log_variance = np.split(TENSORS["encoder.linear.weight"] @ last, 2)
    cell = TENSORS["decoder.trans_linear.weight"] @ mean
    inputs = [
        np.concatenate([TENSORS["decoder.embed.weight"][each], mean])
        for each in ids[:-1]
    ]
    outputs = lstm("decoder.lstm", inputs, np.tanh(cell), cell)
    return mean, log_variance, outputs @ TENSORS["decoder.pred_linear.weight"].T


TEXTS = ["The rose is red", "rose", "The thorn is red red"]


def ids_there(text):
    known = [WORDS.index(w) if w in WORDS else 3 for w in text.split()]
    return [1, *known, 2]


def test_codes_and_logits_are_those_of_the_original(path):
    model = convert_lstm_vae(path, WORDS)
    names = ["", "<unk>", "<s>", "</s>", "The", "rose", "is", "red"]
    assert model.vocabulary.get_vocabulary() == names
    order = [0, 3, 1, 2, 4, 5, 6, 7]
    for text in TEXTS:
        ids = ids_there(text)
        mean, log_variance, logits = reference(ids)
        close(model.encode([text])[0], mean)
        tokens = model.vocabulary([text])
        posterior = model.posterior(tokens)
        close(posterior.stddev()[0], np.exp(0.5 * log_variance))
        state = model.initial_state(tf.constant(mean[None], tf.float32))
        hidden = model.decode_hidden(state, tokens, None)
        output = model.output_layer
        found = hidden[0] @ output.kernel + output.bias
        close(found, logits[:, order])
        # Neither padding nor the start token can come here.
        log_shares = np.array([log_softmax(each[2:]) for each in logits])
        expected = sum(
            shares[each - 2]
            for shares, each in zip(log_shares, ids[1:], strict=True)
        )
        close(model.decode_log_likelihood(state, tokens)[0], expected)


def test_steps_are_those_over_time(path):
    """What is generated goes by the same first state."""
    model = convert_lstm_vae(path, WORDS)
    tokens = model.vocabulary(TEXTS[:1])
    state = model.initial_state(tf.constant([[0.5, -1.0]]))
    expected = model.decode_hidden(state, tokens, None)
    memory = state.memory
    for place in range(expected.shape[1]):
        outputs, memory = model.decoder.step(
            model.embed(tokens[:, place]), memory, tf.constant([place])
        )
        close(outputs, expected[:, place])


def test_from_the_shell_to_a_preset(path, tmp_path, capsys):
    words = tmp_path / "vocab.txt"
    words.write_text("".join(f"{word}\n" for word in WORDS))
    folder = tmp_path / "mine"
    given = ["lstm_vae", str(path), str(folder), f"--vocabulary={words}"]
    assert main(given) == 0
    assert "LSTMVAE of " in capsys.readouterr().out
    model = keras_textgen.from_preset(folder)
    expected = convert_lstm_vae(path, WORDS)
    close(model.log_likelihood(TEXTS), expected.log_likelihood(TEXTS))
    assert len(model.generate(2)) == 2
    words.write_text("The\nrose\n")
    assert main(given) == 2
    assert "vocab.txt: 2 words, 2 of them different; allowed: 8, the rows" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["<PAD>", *WORDS[1:]], "without <pad>; allowed: <pad>, <s>, </s> and"),
        ([*WORDS[:-1], "The"], "8 words, 7 of them different; allowed: 8, the"),
    ],
)
def test_other_words_are_refused(path, words, message):
    with pytest.raises(ValueError, match=message):
        convert_lstm_vae(path, words)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decoder.loss.weight": None}, None),
        ({"encoder.linear.weight": None}, "without encoder.linear.weight and"),
        (
            {"encoder.mu.weight": np.ones(2)},
            "and with encoder.mu.weight beside",
        ),
        (
            {"decoder.trans_linear.weight": np.ones([OTHER_UNITS, 3])},
            r"encoder.linear.weight \[4, 4\]; allowed: \[6, 4\]",
        ),
        (
            {"encoder.lstm.bias_hh_l0": np.ones(3)},
            r"encoder.lstm.bias_hh_l0 \[3\]; allowed: \[16\]",
        ),
        ({"encoder.embed.weight": np.ones(8)}, r"weight \[8\]; allowed: a mat"),
    ],
)
def test_other_tensors_are_refused(tmp_path, changed, message):
    arrays = {n: each for n, each in (TENSORS | changed).items()}
    kept = {n: each for n, each in arrays.items() if each is not None}
    np.savez(tmp_path / "a.npz", **kept)
    if message is None:
        convert_lstm_vae(tmp_path / "a.npz", WORDS)
        return
    with pytest.raises(ValueError, match=message):
        convert_lstm_vae(tmp_path / "a.npz", WORDS)
