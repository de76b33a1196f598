"""Models that factorize matrices."""

import dataclasses

from keras_textgen.cli.parsers import Spelled, hidden_layers
from keras_textgen.cli.setting import (
    choice,
    integer,
    number,
    setting,
    switch,
)


@dataclasses.dataclass(frozen=True)
class MatrixOptions:
    """What feedback means, and the towers of rows and columns."""

    feedback: str | None = choice(
        "model",
        "explicit: values such as ratings, by squared error; implicit: how "
        "often, by the weighted loss of Hu et al. 2008; ranking: which columns "
        "come first, by a sampled softmax.",
        ("explicit", "implicit", "ranking"),
        takes=("matrices",),
        argument="feedback",
    )
    confidence: float | None = number(
        "model",
        "Confidence in what occurs (alpha of Hu et al. 2008). Default: 1.",
        needs=("feedback", (None, "implicit")),
        argument="alpha",
    )
    negatives: int | None = integer(
        "model",
        "Cells drawn for each observed one. Default: 4 for implicit feedback, "
        "32 for ranking.",
        needs=("feedback", ("implicit", "ranking")),
        argument="negatives",
    )
    start_at_baseline: bool | None = switch(
        "model",
        "Begin with the regularized biases of rows and columns (explicit) or "
        "with the popularity of columns (ranking).",
        needs=("feedback", ("explicit", "ranking")),
    )
    feature_dim: int | None = integer(
        "model",
        "Width of the embedding of features.",
        takes=("matrices",),
        argument=("row_feature_dim", "col_feature_dim"),
        in_preset=True,
    )
    side_features: bool | None = switch(
        "model",
        "Use the features of rows and columns. Default: on.",
        takes=("matrices",),
    )
    history_features: bool | None = switch(
        "model",
        "Use which columns a row has, and which rows a column has, as in "
        "SVD++.",
        takes=("matrices",),
    )
    join: str | None = choice(
        "model",
        "How embeddings of ids and of features are joined.",
        ("concatenate", "add"),
        takes=("matrices",),
        argument="join",
        in_preset=True,
    )
    hidden_layers: str | None = setting(
        "model",
        "Units and activation of each hidden layer of both towers, such as "
        "50:tanh,20:relu, or none.",
        Spelled(hidden_layers, "TEXT"),
        takes=("matrices",),
        argument=("row_layers", "col_layers"),
        convert=hidden_layers,
        in_preset=True,
    )
    multi_level: bool | None = switch(
        "model",
        "Add up the dot products of every level, not of the last alone.",
        takes=("matrices",),
        argument="multi_level",
        in_preset=True,
    )
    use_biases: bool | None = switch(
        "model",
        "A mean, and a bias for every row and column.",
        takes=("matrices",),
        argument="use_biases",
        in_preset=True,
    )
    bias_l2: float | None = number(
        "model",
        "Weight of the squared biases.",
        needs=("use_biases", (None, True)),
        argument="bias_l2",
    )
    kernel_l2: float | None = number(
        "model",
        "Weight of the squared kernels.",
        takes=("matrices",),
        argument="kernel_l2",
    )
