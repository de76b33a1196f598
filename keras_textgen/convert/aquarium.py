"""Weights of keras-aquarium, as models of `keras_textgen.aquarium`.

`docs/converting.md` has the layouts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras

from keras_textgen.aquarium.dmf import DualMatrixFactorization
from keras_textgen.aquarium.sae import SoftmaxAutoEncoder
from keras_textgen.checks import counted, refused
from keras_textgen.convert.hdf5_file import Layer, check_layer, layers_of_kinds
from keras_textgen.layers.towers import Tower

# A hidden layer: units and activation.
Hidden = tuple[int, str]


def convert_dmf(
    path: str | Path,
    row_layers: Sequence[Hidden] = ((50, "relu"),),
    col_layers: Sequence[Hidden] = ((50, "relu"),),
    *,
    has_row_features: bool = False,
    has_col_features: bool = False,
) -> DualMatrixFactorization:
    """Make a model of the weights of a dual matrix factorization.

    Args:
        path: File of Keras 2.
        row_layers: Units and activation of each hidden layer of the rows, as
            the model was made with; a file of weights does not say.
        col_layers: The same of columns. Of two sides of unequal depth, the
            deeper one's last layers had no part in the model.
        has_row_features: Whether the rows had features.
        has_col_features: Whether the columns had.

    Returns:
        The model, whose predictions are those of the original.

    Raises:
        ValueError: If the file holds other layers.
    """
    embeddings, dense = layers_of_kinds(path, "embedding", "dense")
    depth = min(len(row_layers), len(col_layers))
    if not depth:
        raise refused("row_layers or col_layers of none", "1 or more of each")
    features = [has_row_features, has_col_features]
    count = sum(features) + 2 * depth
    if len(embeddings) != 2 or len(dense) != count:
        raise refused(
            f"{path}: {counted(len(embeddings), 'embedding')} and "
            f"{counted(len(dense), 'dense layer')}",
            f"2 and {count}: {depth} of rows and {depth} of columns, and one "
            "for the features of each that has some",
        )
    of_features = [dense.pop(0) if each else None for each in features]
    row = _Side(embeddings[0], of_features[0], dense[:depth])
    col = _Side(embeddings[1], of_features[1], dense[depth:])
    row.check(path, row_layers)
    col.check(path, col_layers)
    model = DualMatrixFactorization(
        row.size,
        col.size,
        row.num_features,
        col.num_features,
        row_dim=row.dim,
        col_dim=col.dim,
        row_feature_dim=row.feature_dim,
        col_feature_dim=col.feature_dim,
        row_layers=list(row_layers)[:depth],
        col_layers=list(col_layers)[:depth],
    )
    row.fill(model.row_tower)
    col.fill(model.col_tower)
    return model


class _Side(NamedTuple):
    """The layers of the rows, or of the columns.

    Attributes:
        embedding: Of ids.
        features: The linear layer of features, if there are any.
        hidden: The layers after them.
    """

    embedding: Layer
    features: Layer | None
    hidden: Sequence[Layer]

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self.embedding.weights[0])

    @property
    def dim(self) -> int:
        """Width of their embedding."""
        return self.embedding.weights[0].shape[1]

    @property
    def num_features(self) -> int | None:
        """How many features an id has; None for none."""
        return None if self.features is None else len(self.features.weights[0])

    @property
    def feature_dim(self) -> int | None:
        """Width of their linear layer; None for none."""
        return None if self.features is None else len(self.features.weights[1])

    def check(self, path: str | Path, expected: Sequence[Hidden]) -> None:
        """Refuse layers that do not follow one another."""
        check_layer(path, self.embedding, [(None, None)])
        width = self.dim
        if self.features is not None:
            check_layer(path, self.features, [(None, None), (None,)])
            width += self.feature_dim or 0
        for layer, (units, _) in zip(self.hidden, expected, strict=False):
            check_layer(path, layer, [(width, units), (units,)])
            width = units

    def fill(self, tower: Tower) -> None:
        """Give a tower the weights."""
        tower.embedding.assign(self.embedding.weights[0])
        values = [weight for each in self.hidden for weight in each.weights]
        if self.features is not None:
            # Features have no bias here: what it adds to the first hidden
            # layer is the same for every cell.
            kernel, bias = self.features.weights
            tower.feature_embedding.kernel.assign(kernel)
            values[1] = values[1] + bias @ values[0][-len(bias) :]
        layers = [x for x in tower.hidden if isinstance(x, keras.Layer)]
        weights = [weight for layer in layers for weight in layer.weights]
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)


def convert_sae(
    path: str | Path, alpha: float = 50.0, activation: str | None = None
) -> SoftmaxAutoEncoder:
    """Make a model of the weights of a softmax autoencoder.

    Args:
        path: File of Keras 2.
        alpha: Of the activation of codes, which a file of weights does not say.
        activation: None for that of `alpha`, or "tanh".

    Returns:
        The model, whose codes and shares of words are those of the original.

    Raises:
        ValueError: If the file holds other layers, such as those of an encoder
            of one's own.
    """
    dense, tied = layers_of_kinds(path, "dense", "dense_tied")
    if len(dense) + len(tied) != 2 or not dense:
        raise refused(
            f"{path}: {len(dense)} dense and "
            f"{counted(len(tied), 'tied layer')}",
            "1 of each, or 2 dense ones",
        )
    encoder, decoder = (*dense, *tied)
    check_layer(path, encoder, [(None, None), (None,)])
    words, codes = encoder.weights[0].shape
    # Some versions of Keras write a tied layer's own kernel, which has no use.
    has_kernel = len(decoder.weights) > 1 or not tied
    shapes = [(codes, words)] if has_kernel else []
    check_layer(path, decoder, [*shapes, (words,)])
    model = SoftmaxAutoEncoder(
        words,
        codes,
        activation=activation,
        use_tied_layer=bool(tied),
        alpha=alpha,
    )
    kernel, bias = encoder.weights
    model.kernel.assign(kernel)
    model.bias.assign(bias)
    model.output_bias.assign(decoder.weights[-1])
    if not tied:
        model.output_kernel.assign(decoder.weights[0].T)
    return model
