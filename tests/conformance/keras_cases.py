"""Every model with a few rows of data as its users have them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.documents import encode_documents
from keras_textgen.specs import names_of
from tests.conformance import other_models
from tests.conformance.registry import (
    TEXTS,
    missing_extras,
    model_case,
    skips_of,
    with_known_weights,
)

STARS = [5.0, 1.0, 4.0, 2.0, 3.0]


class KerasCase(NamedTuple):
    """A model and five rows.

    Attributes:
        name: What tests call it.
        make: Makes one with known weights.
        x: The rows, as lists or columns.
        y: Targets of the rows; None where the model has none.
        traits: "weights" where rows can be weighted; "exact" where the noise
            of training can be told from nothing: none is drawn at all;
            "classes" where targets are classes; "metrics" where predictions
            can be compared with targets; "cells" where a row is a cell of a
            matrix, which is given once; "float32" where nothing is computed in
            half precision; "bags" where the order of words does not count.
    """

    name: str
    make: Callable[[], keras.Model]
    x: Any
    y: Any = None
    traits: frozenset[str] = frozenset({"weights"})

    def make_eager(self) -> keras.Model:
        """One that is trained without a graph, whose tracing takes longer."""
        model = self.make()
        model.compile(model.default_optimizer, run_eagerly=True)
        return model

    @property
    def is_fast(self) -> bool:
        """Whether it is one of each kind; the others go the same way."""
        return self.name in FAST

    def rows(self, chosen: list[int]) -> tuple[Any, Any]:
        """Some of the rows, and their targets."""
        y = None if self.y is None else [self.y[i] for i in chosen]
        if isinstance(self.x, dict):
            columns = self.x.items()
            return {name: [c[i] for i in chosen] for name, c in columns}, y
        return [self.x[i] for i in chosen], y


# Of a text model the line of the registry that has its name, or another one.
_LINES = {"hdgm": "hdgm_bound", "vae": "vae_bound"}
_TRAITS = {
    "lstm_lm": frozenset({"weights", "exact"}),
    "lstm_lm_subwords": frozenset({"weights", "exact"}),
    "mat_vae": frozenset[str](),
}
_SETTINGS = {"lstm_lm": {"dropout": 0.0}}
# Of a HAN without a vocabulary, padded: documents, sentences, words.
_IDS = encode_documents(other_models.DOCUMENTS[:5], other_models.VOCABULARY)


def _text(name: str) -> KerasCase:
    case, settings = model_case(_LINES.get(name, name)), _SETTINGS.get(name, {})
    return KerasCase(
        case.name,
        lambda: case.make(seed=3, **settings),
        TEXTS,
        traits=_TRAITS.get(name, frozenset({"weights"})),
    )


def _dmf(**settings: Any) -> keras.Model:
    ids = {"row_ids": list("abc"), "col_ids": list("pqr")}
    model = other_models.DualMatrixFactorization(
        **ids, row_dim=3, col_dim=3, row_layers=[], col_layers=[], **settings
    )
    return with_known_weights(model)


CELLS = {"row": list("aabbc"), "column": list("pqqrp"), "value": STARS}
CASES = [
    *(_text(name) for name in names_of("text")),
    _text("vae_transformer"),
    _text("lstm_lm_subwords"),
    _text("optimus"),
    KerasCase(
        "han",
        lambda: with_known_weights(
            other_models.HierarchicalAttentionNetwork(
                other_models.VOCABULARY,
                ["low", "middle", "high"],
                embedding_dim=3,
                rnn_units=2,
                attention_units=3,
                seed=3,
            )
        ),
        other_models.DOCUMENTS[:5],
        [0, 1, 2, 0, 1],
        frozenset({"weights", "exact", "classes", "metrics"}),
    ),
    KerasCase(
        "han_of_ids",
        lambda: with_known_weights(
            other_models.make_han_of_ids(dropout=0.0, seed=3)
        ),
        _IDS.to_tensor().numpy().tolist(),
        [0, 1, 2, 0, 1],
        frozenset({"weights", "exact", "classes", "metrics"}),
    ),
    KerasCase(
        "sae",
        lambda: with_known_weights(other_models.make_sae(seed=3)),
        other_models.DOCUMENTS[:5],
        traits=frozenset({"weights", "exact", "float32", "bags"}),
    ),
    KerasCase(
        "prodlda",
        lambda: with_known_weights(other_models.make_prodlda(seed=3)),
        other_models.DOCUMENTS[:5],
        traits=frozenset({"weights", "float32", "bags"}),
    ),
    KerasCase(
        "dmf",
        lambda: _dmf(seed=3),
        CELLS,
        traits=frozenset({"weights", "exact", "cells", "metrics"}),
    ),
]


# Those that can be made here.
INSTALLED = [case for case in CASES if not missing_extras(case.name)]
# One of each kind; what enters the other text models goes the same way.
FAST = {"lstm_lm", "han", "sae", "dmf"}
SLOW = pytest.mark.slow


def parametrized(
    cases: list[KerasCase], in_graphs: bool = False
) -> pytest.MarkDecorator:
    """A test for each case; all but the fast ones are trained eagerly."""
    params = []
    for case in cases:
        if not (case.is_fast or in_graphs):
            case = case._replace(make=case.make_eager)
        marks = skips_of(case.name) + ([] if case.is_fast else [SLOW])
        params.append(pytest.param(case, id=case.name, marks=marks))
    return pytest.mark.parametrize("case", params)


def with_trait(trait: str) -> list[KerasCase]:
    """The cases that have a trait."""
    return [case for case in CASES if trait in case.traits]


each_case = parametrized(CASES)
each_case_in_graphs = parametrized(CASES, in_graphs=True)
each_weighted = parametrized(with_trait("weights"))
each_exact = parametrized(with_trait("exact"))
each_classifier = parametrized(with_trait("classes"))


def uses(case, model):
    """What several threads do at once, by name."""
    found = {
        "predict": lambda: model.predict(case.x, batch_size=2, verbose=0),
        "predict_on_batch": lambda: model.predict_on_batch(case.x),
    }
    if hasattr(model, "encode"):
        found["encode"] = lambda: model.encode(case.x)
    if hasattr(model, "log_likelihood"):
        found["log_likelihood"] = lambda: model.log_likelihood(case.x)
    if hasattr(model, "generate"):
        found["generate"] = lambda: np.array(model.generate(3, seed=5))
    return found


def figures(model: keras.Model, *data: Any, **kwargs: Any) -> dict[str, float]:
    """What `evaluate` says."""
    return model.evaluate(*data, verbose=0, return_dict=True, **kwargs)


def assert_close(found: Any, expected: Any) -> None:
    """Equal to 1e-5, whatever holds the numbers."""
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        found,
        expected,
    )


def columns(data: Any, convert: Callable) -> Any:
    """Data with their columns converted."""
    if data is None:
        return None
    if isinstance(data, dict):
        return {name: convert(column) for name, column in data.items()}
    return convert(data)


def dataset(case: KerasCase, batch_size: int = 2) -> tf.data.Dataset:
    """The rows, and their targets, in batches."""
    x = columns(case.x, lambda column: tf.constant(column))
    data = x if case.y is None else (x, tf.constant(case.y))
    return tf.data.Dataset.from_tensor_slices(data).batch(batch_size)


def python_batches(case: KerasCase) -> Iterator[Any]:
    """The rows, and their targets, in batches of two, two and one."""
    for chosen in ([0, 1], [2, 3], [4]):
        x, y = case.rows(chosen)
        yield x if y is None else (x, y)


class Rows(keras.utils.PyDataset):
    """The rows as a `PyDataset`."""

    def __init__(self, case, **kwargs):
        super().__init__(**kwargs)
        self.batches = list(python_batches(case))

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        return self.batches[number]


# Keras's own, of generators whose length it does not know.
ends_with_a_warning = pytest.mark.filterwarnings(
    "ignore:Your input ran out of data"
)
