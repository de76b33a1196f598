"""Weights of vae-lagging-encoder, as an LSTM-VAE.

`docs/converting.md` has the layout.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_textgen.checks import counted, refused
from keras_textgen.convert.torch_file import read_state_dict
from keras_textgen.data.readers.files import read_lines
from keras_textgen.data.vocabulary import Vocabulary
from keras_textgen.layers.decoders import CodeStateDecoder
from keras_textgen.layers.encoders import RecurrentEncoder
from keras_textgen.models.text.lstm_vae import LSTMVAE

_PAD, _START, _END = "<pad>", "<s>", "</s>"
_UNKNOWN = ("<unk>", "_UNK")
# Of a layer in PyTorch: from inputs, from the hidden state, and both biases.
_LSTM = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
_NAMES = (
    "encoder.embed.weight",
    *(f"encoder.lstm.{name}" for name in _LSTM),
    "encoder.linear.weight",
    "decoder.embed.weight",
    "decoder.trans_linear.weight",
    *(f"decoder.lstm.{name}" for name in _LSTM),
    "decoder.pred_linear.weight",
)
# The weights of classes in the loss, ones but for padding.
_IGNORED = ("decoder.loss.weight",)

Arrays = Mapping[str, np.ndarray]


def convert_lstm_vae(
    path: str | Path, vocabulary: str | Path | Sequence[str]
) -> LSTMVAE:
    """Make a model of a state dict.

    Args:
        path: File of PyTorch, or `.npz`, see `read_state_dict`.
        vocabulary: All words in the order of their ids, the special ones among
            them: a list, or a file with a word a line.

    Returns:
        The model. Its codes and logits are those of the original; its
        probabilities have none for padding and the start token, which there
        had some.

    Raises:
        ValueError: If a tensor is missing, unknown or of another shape, or the
            words are not as many or lack a special one.
    """
    tensors = read_state_dict(path)
    _check_tensors(path, tensors)
    words, rows = _words_and_rows(vocabulary, len(tensors[_NAMES[0]]))
    units = tensors["encoder.lstm.weight_hh_l0"].shape[1]
    model = LSTMVAE(
        Vocabulary(words, standardize="none"),
        embedding_dim=tensors[_NAMES[0]].shape[1],
        latent_dim=tensors["decoder.trans_linear.weight"].shape[1],
        rnn_units=units,
        encoder=RecurrentEncoder(units),
        decoder=CodeStateDecoder(
            tensors["decoder.trans_linear.weight"].shape[0]
        ),
    )
    model.encoder_embedding.embeddings.assign(
        tensors["encoder.embed.weight"][rows]
    )
    model.embedding.embeddings.assign(tensors["decoder.embed.weight"][rows])
    _fill_lstm(model.encoder.layers[0], tensors, "encoder.lstm")
    _fill_lstm(model.decoder.layers[0], tensors, "decoder.lstm")
    halves = np.split(tensors["encoder.linear.weight"], 2)
    for dense, kernel in zip(
        (model.head.loc, model.head.log_variance), halves, strict=True
    ):
        dense.kernel.assign(kernel.T)
        dense.bias.assign(np.zeros(dense.bias.shape))
    model.decoder.of_code.kernel.assign(
        tensors["decoder.trans_linear.weight"].T
    )
    output = model.output_layer
    output.kernel.assign(tensors["decoder.pred_linear.weight"][rows].T)
    output.bias.assign(np.zeros(output.bias.shape))
    return model


def _fill_lstm(layer: keras.layers.LSTM, tensors: Arrays, name: str) -> None:
    """Gates are in one order: input, forget, cell, output."""
    of_input, of_hidden, *biases = (tensors[f"{name}.{each}"] for each in _LSTM)
    layer.cell.kernel.assign(of_input.T)
    layer.cell.recurrent_kernel.assign(of_hidden.T)
    layer.cell.bias.assign(sum(biases))


def _check_tensors(path: str | Path, tensors: Arrays) -> None:
    """Refuse what is missing, unknown, or of a shape that does not fit."""
    missing = [name for name in _NAMES if name not in tensors]
    unknown = [n for n in tensors if n not in (*_NAMES, *_IGNORED)]
    if missing or unknown:
        raise refused(
            f"{path}: without {', '.join(missing) or 'none'} and with "
            f"{', '.join(unknown) or 'none'} beside those of the model",
            "the VAE of text.py with an encoder of type lstm",
        )
    for name in _NAMES:
        if tensors[name].ndim != (1 if "bias" in name else 2):
            raise refused(
                f"{path}: {name} {list(tensors[name].shape)}",
                "a vector" if "bias" in name else "a matrix",
            )
    count, width = tensors["encoder.embed.weight"].shape
    units = tensors["encoder.lstm.weight_hh_l0"].shape[1]
    of_decoder, codes = tensors["decoder.trans_linear.weight"].shape
    shapes = {
        "encoder.embed.weight": (count, width),
        **_lstm_shapes("encoder.lstm", width, units),
        "encoder.linear.weight": (2 * codes, units),
        "decoder.embed.weight": (count, width),
        "decoder.trans_linear.weight": (of_decoder, codes),
        **_lstm_shapes("decoder.lstm", width + codes, of_decoder),
        "decoder.pred_linear.weight": (count, of_decoder),
    }
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise refused(
                f"{path}: {name} {list(tensors[name].shape)}", f"{list(shape)}"
            )


def _lstm_shapes(
    name: str, width: int, units: int
) -> dict[str, tuple[int, ...]]:
    gates = 4 * units
    shapes = ((gates, width), (gates, units), (gates,), (gates,))
    return {
        f"{name}.{each}": shape
        for each, shape in zip(_LSTM, shapes, strict=True)
    }


def _words_and_rows(
    vocabulary: str | Path | Sequence[str], count: int
) -> tuple[list[str], list[int]]:
    """The words alone, and of each id here the row that it has there."""
    source = "vocabulary"
    if isinstance(vocabulary, str | Path):
        source = str(vocabulary)
        vocabulary = [line.strip() for line in read_lines(Path(vocabulary))]
    places = {word: place for place, word in enumerate(vocabulary)}
    if len(places) != len(vocabulary) or len(places) != count:
        raise refused(
            f"{source}: {counted(len(vocabulary), 'word')}, {len(places)} of "
            "them different",
            f"{count}, the rows of the embedding",
        )
    unknown = next((word for word in _UNKNOWN if word in places), _UNKNOWN[0])
    specials = (_PAD, unknown, _START, _END)
    missing = [word for word in specials if word not in places]
    if missing:
        raise refused(
            f"{source}: without {', '.join(missing)}",
            f"{_PAD}, {_START}, {_END} and {' or '.join(_UNKNOWN)} among them",
        )
    words = [word for word in vocabulary if word not in specials]
    return words, [places[word] for word in (*specials, *words)]
