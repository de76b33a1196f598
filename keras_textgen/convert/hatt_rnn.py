"""Weights of keras-aquarium's hatt_rnn, as a HAN.

`docs/converting.md` has the layout.
"""

from pathlib import Path

import numpy as np

from keras_textgen.checks import refused
from keras_textgen.convert.hdf5_file import (
    Layer,
    check_layer,
    keras_version,
    layers_of_kinds,
)
from keras_textgen.layers.attention import AttentionPooling
from keras_textgen.layers.recurrent import BidirectionalStack
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork

_KINDS = ("time_distributed", "bidirectional", "att_layer", "dense")
# Weights of what is wrapped: embedding, two directions of three, attention's
# layer of two and its vector; and that layer over sentences.
_OF_WORDS, _OF_SENTENCES = 10, 2
# From it on, the gates of a GRU have another activation.
_OTHER_GATES = (2, 3)


def convert_hatt_rnn(path: str | Path) -> HierarchicalAttentionNetwork:
    """Make a model of the weights of a hierarchical attention network.

    Attention is a softmax of u . sigmoid(W h + b) there. As sigmoid(x) is
    (1 + tanh(x / 2)) / 2, it is that of tanh here with halves of W, b and u,
    whose constant part no softmax sees.

    Args:
        path: File of Keras 2.

    Returns:
        The model of ids, compiled with Nadam. Its answers are those of the
        original for documents without padding, which was read there like
        words and sentences.

    Raises:
        ValueError: If the file holds other layers, or a GRU of Keras 2.3 or
            later that resets before.
    """
    wrapped, recurrent, attention, dense = layers_of_kinds(path, *_KINDS)
    counts = [len(each) for each in (wrapped, recurrent, attention, dense)]
    if counts != [2, 1, 1, 1] or [len(x.weights) for x in wrapped] != [
        _OF_WORDS,
        _OF_SENTENCES,
    ]:
        raise refused(
            f"{path}: {' and '.join(map(str, counts))} layers of "
            f"{', '.join(_KINDS)}",
            "2, 1, 1 and 1, the first of them of 10 and 2 weights",
        )
    words, of_sentences = wrapped
    embedding, *both_ways, kernel, bias, context = words.weights
    levels = {
        "word": [*both_ways, kernel, bias, context],
        "sentence": [
            *recurrent[0].weights,
            *of_sentences.weights,
            *attention[0].weights,
        ],
    }
    units = both_ways[1].shape[0]
    sentence_units = levels["sentence"][1].shape[0]
    _check_level(path, levels["word"], embedding.shape[-1], units)
    _check_level(path, levels["sentence"], 2 * units, sentence_units)
    check_layer(path, dense[0], [(2 * sentence_units, None), (None,)])
    model = HierarchicalAttentionNetwork(
        len(embedding) - 1,
        len(dense[0].weights[1]),
        embedding_dim=embedding.shape[1],
        rnn_units=units,
        sentence_rnn_units=sentence_units,
        attention_units=2 * max(units, sentence_units),
        rnn_type=_rnn_type(path, both_ways[2]),
    )
    model.embedding.embeddings.assign(embedding)
    for name, weights in levels.items():
        _fill_recurrence(getattr(model, f"{name}_encoder"), weights[:6])
        _fill_attention(getattr(model, f"{name}_attention"), weights[6:])
    model.classifier.kernel.assign(dense[0].weights[0])
    model.classifier.bias.assign(dense[0].weights[1])
    model.compile("nadam")
    return model


def _rnn_type(path: str | Path, bias: np.ndarray) -> str:
    """Which GRU a bias is of: with one for the hidden state, or without."""
    if bias.ndim == 2:
        return "gru"
    if (keras_version(path) or (2, 0))[:2] >= _OTHER_GATES:
        raise refused(
            f"{path}: a GRU of Keras {keras_version(path)} that resets before",
            "one of Keras before 2.3, or one that resets after",
        )
    return "gru_of_keras_2"


def _check_level(
    path: str | Path, weights: list[np.ndarray], width: int, units: int
) -> None:
    """Refuse weights of words or of sentences that do not fit."""
    gates = 3 * units
    of_bias = (2, gates) if weights[2].ndim == 2 else (gates,)
    one_way: list[tuple[int | None, ...]] = [
        (width, gates),
        (units, gates),
        of_bias,
    ]
    outputs = 2 * units
    shapes = [*one_way, *one_way, (outputs, outputs), (outputs,), (outputs,)]
    check_layer(path, Layer("", "a level", weights), shapes)


def _fill_recurrence(
    encoder: BidirectionalStack, weights: list[np.ndarray]
) -> None:
    halves = weights[:3], weights[3:]
    for stack, values in zip(
        (encoder.forward, encoder.backward), halves, strict=True
    ):
        for weight, value in zip(stack.layers[0].weights, values, strict=True):
            weight.assign(value)


def _fill_attention(
    attention: AttentionPooling, weights: list[np.ndarray]
) -> None:
    """Halves; what is wider here than there has zeros."""
    kernel, bias, context = (each / 2 for each in weights)
    more = attention.units - len(context)
    attention.kernel.assign(np.pad(kernel, [(0, 0), (0, more)]))
    attention.bias.assign(np.pad(bias, (0, more)))
    attention.context.assign(np.pad(context, (0, more)))
