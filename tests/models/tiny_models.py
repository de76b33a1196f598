"""Tiny models with known weights, and their weights for the NumPy reference."""

import numpy as np
import tensorflow as tf

from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.von_mises_fisher import DirectionHead
from keras_textgen.models.text.hdgm import HDGM
from keras_textgen.models.text.lstm_lm import LSTMLanguageModel
from keras_textgen.models.text.lstm_vae import LSTMVAE
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.models.text.sentence_vae import SentenceVAE

WORDS = ["the", "cat", "sat", "on", "a", "mat"]
SIZES = {
    "embedding_dim": 3,
    "rnn_units": 4,
    "num_layers": 2,
    "latent_dim": 2,
}
# Three sequences of different lengths, start and end tokens inside.
SEQUENCES = [[2, 4, 5, 6, 7, 3], [2, 8, 3], [2, 9, 1, 4, 3]]
BATCHES = {
    "unpadded": [[2, 4, 5, 6, 3], [2, 8, 1, 9, 3], [2, 7, 7, 4, 3]],
    "padded": SEQUENCES,
}


def padded(sequences, length=None):
    """int32 [batch, time], 0 on the right."""
    length = length or max(map(len, sequences))
    rows = [row + [0] * (length - len(row)) for row in sequences]
    return tf.constant(rows, tf.int32)


def sentence_vae(**settings):
    model = SentenceVAE(Vocabulary(WORDS), **{**SIZES, **settings})
    return with_known_weights(model)


def hdgm(**settings):
    model = HDGM(
        Vocabulary(WORDS), **{**SIZES, "attention_units": 3, **settings}
    )
    return with_known_weights(model)


def lstm_lm(**settings):
    sizes = {"embedding_dim": 3, "rnn_units": 4}
    model = LSTMLanguageModel(Vocabulary(WORDS), **{**sizes, **settings})
    return with_known_weights(model)


def lstm_vae(averages=False, **settings):
    sizes = {**SIZES, "num_layers": 1}
    make = LSTMVAEAVG if averages else LSTMVAE
    model = make(Vocabulary(WORDS), **{**sizes, **settings})
    return with_known_weights(model)


def known_values(shape, phase, size=0.8):
    """Values in [-size, size], all different, from no generator."""
    positions = np.arange(np.prod(shape, dtype=int))
    return size * np.sin(0.7 + phase + 1.7 * positions).reshape(shape)


def with_known_weights(model):
    """The model, every weight set to fixed values by its role."""
    variables = tf.nest.flatten(_variables(model))
    assert len(variables) == len(model.trainable_variables)
    for phase, variable in enumerate(variables):
        variable.assign(known_values(variable.shape, phase))
    return model


def with_values_in_order(model):
    """The model, its trainable weights set to fixed values, in their order."""
    for phase, weight in enumerate(model.trainable_variables):
        weight.assign(known_values(weight.shape, phase))
    return model


def ptb_parameters(make, **sizes):
    """How many parameters a model has with the 10,002 tokens of PTB."""
    model = make(Vocabulary([f"w{i}" for i in range(9998)]), **sizes)
    return sum(np.prod(each.shape) for each in model.trainable_variables)


def log_likelihood(model, code, tokens):
    """log p(x | code), [batch]."""
    return model.decode_log_likelihood(model.initial_state(code), tokens)


def logits(model, code, tokens):
    """Logits at every position, [batch, time, V]."""
    hidden = model.decode_hidden(model.initial_state(code), tokens, None)
    return model.output_layer.logits(hidden).numpy()


def close(actual, desired, tolerance=1e-5):
    np.testing.assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)


def recorded_noises(monkeypatch, owner):
    """A list, to which all noise is added that `owner.infer` is given."""
    noises, infer = [], owner.infer

    def infer_and_record(self, features, noise):
        noises.append(noise)
        return infer(self, features, noise)

    monkeypatch.setattr(owner, "infer", infer_and_record)
    return noises


class KnownNoise:
    """Normal noise of a model that is fixed in advance, by name.

    Each name has its own values [rows, size], the same for whoever asks, and
    asking for another shape is an error.
    """

    def __init__(self, rows, size, scale=1.3):
        self.shape = (rows, size)
        self.scale = scale

    def of_copies(self, copies):
        del copies  # The shape is that of all copies.
        return self

    def values(self, name):
        phase = sum(map(ord, name))
        return known_values(self.shape, phase, self.scale)

    def normal(self, name, shape):
        assert tuple(map(int, shape)) == self.shape
        return tf.constant(self.values(name), tf.float32)


class KnownUniform:
    """Uniform noise that is fixed in advance, by name and shape."""

    def values(self, name, shape):
        phase = sum(map(ord, name))
        return (1 + known_values(shape, phase, size=1.0)) / 2

    def uniform(self, name, shape):
        return tf.constant(self.values(name, [*map(int, shape)]), tf.float32)

    def factors(self, name, shape, dropout):
        """What dropout multiplies values of this shape, rows leading, by."""
        flat = (shape[0], np.prod(shape[1:], dtype=int))
        kept = self.values(name, flat).reshape(shape) >= dropout
        return kept / (1 - dropout)


# -- Weights by the names of the reference -------------------------------------


def reference_weights(model):
    """Arrays for numpy_reference, in a nested structure."""
    return tf.nest.map_structure(
        lambda variable: np.asarray(variable, np.float64), _variables(model)
    )


def _variables(model):
    shared = {
        "embedding": model.embedding.embeddings,
        "decoder": _stack(model.decoder),
        "output": _linear(model.output_layer),
    }
    if getattr(model, "bag_of_words", None):
        layers = (model.bag_of_words.hidden, model.bag_of_words.logits)
        shared["bag_of_words"] = [_linear(each) for each in layers]
    return shared | _OF_CLASS[type(model)](model)


def _initial(model):
    # In the order of Keras's state: hidden, then cell.
    return {"initial": [_linear(head) for head in model.initial_heads]}


def _sentence_vae(model):
    return {
        **_initial(model),
        "encoder": _stack(model.encoder),
        "head": _heads(model.head),
    }


def _lstm_vae(model):
    (initial_map,) = model.initial_heads
    return {
        "initial_map": initial_map.kernel,
        "encoder_embedding": model.encoder_embedding.embeddings,
        "encoder": _stack(model.encoder),
        "head": _heads(model.head),
    }


def _hdgm(model):
    encoder = model.broad_memory.encoder
    attention = model.broad_memory.attention
    return {
        **_initial(model),
        "forward": _stack(encoder.forward),
        "backward": _stack(encoder.backward),
        "attention": (attention.kernel, attention.bias, attention.context),
        "inference_levels": [_level(each) for each in model.inference_levels],
        "inference_cells": _cells(model.inference_levels),
        "generation_levels": [_level(each) for each in model.generation_levels],
        "generation_cells": _cells(model.generation_levels),
    }


def _linear(dense):
    return dense.kernel, dense.bias


def _cell(cell):
    return cell.kernel, cell.recurrent_kernel, cell.bias


def _stack(stack):
    return [_cell(layer.cell) for layer in stack.layers]


def _heads(head):
    if isinstance(head, DirectionHead):
        return _linear(head.direction)
    return _linear(head.loc), _linear(head.log_variance)


def _level(level):
    weights = {"head": _heads(level.head)}
    if level.deep_memory is not None:
        weights["projection"] = _linear(level.projection)
    return weights


def _cells(levels):
    """The deep memory that the levels of a network share."""
    if not levels or levels[0].deep_memory is None:
        return []
    return [_cell(cell) for cell in levels[0].deep_memory.cells]


_OF_CLASS = {
    HDGM: _hdgm,
    LSTMLanguageModel: lambda model: {},
    LSTMVAE: _lstm_vae,
    LSTMVAEAVG: _lstm_vae,
    SentenceVAE: _sentence_vae,
}
