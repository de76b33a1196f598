"""Every model with a few rows of data as its users have them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from keras_textgen.specs import names_of
from tests.conformance import other_models
from tests.conformance.registry import TEXTS, model_case, with_known_weights

STARS = [5.0, 1.0, 4.0, 2.0, 3.0]


class KerasCase(NamedTuple):
    """A model and five rows.

    Attributes:
        name: What tests call it.
        make: Makes one with known weights.
        x: The rows, as lists or columns.
        y: Targets of the rows; None where the model has none.
        traits: "weights" where rows can be weighted, "exact" where the noise
            of training can be told from nothing: none is drawn at all.
    """

    name: str
    make: Callable[[], keras.Model]
    x: Any
    y: Any = None
    traits: frozenset[str] = frozenset({"weights"})

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
    "mat_vae": frozenset[str](),
}
_SETTINGS = {"lstm_lm": {"dropout": 0.0}}


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
        frozenset({"weights", "exact"}),
    ),
    KerasCase(
        "sae",
        lambda: with_known_weights(other_models.make_sae(seed=3)),
        other_models.DOCUMENTS[:5],
        traits=frozenset({"weights", "exact"}),
    ),
    KerasCase(
        "prodlda",
        lambda: with_known_weights(other_models.make_prodlda(seed=3)),
        other_models.DOCUMENTS[:5],
    ),
    KerasCase(
        "dmf",
        lambda: _dmf(seed=3),
        CELLS,
        traits=frozenset({"weights", "exact"}),
    ),
]


# One of each kind; what enters the other text models goes the same way.
FAST = {"lstm_lm", "han", "sae", "dmf"}
SLOW = pytest.mark.slow


def parametrized(cases: list[KerasCase]) -> pytest.MarkDecorator:
    """A test for each case."""
    params = [
        pytest.param(
            case, id=case.name, marks=[] if case.name in FAST else [SLOW]
        )
        for case in cases
    ]
    return pytest.mark.parametrize("case", params)


each_case = parametrized(CASES)
each_weighted = parametrized([c for c in CASES if "weights" in c.traits])
each_exact = parametrized([c for c in CASES if "exact" in c.traits])


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
