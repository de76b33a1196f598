"""The sparse codes of a test set, as the page on them needs them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import scipy.sparse

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.views import TokenIds
from keras_textgen.evaluation.sparsity import code_views, hoyer_table

_BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class SparseCodes:
    """What the page is made of.

    Attributes:
        gate: E[gamma], or the size of the mean where there is no gamma: [N, Z].
        has_gamma: which of the two it is.
        masked: mean codes without what is off, [N, Z].
        is_on: 1 where a dimension is on, [N, Z].
        hoyer: of the kinds of codes, as `hoyer_table` names them.
    """

    gate: np.ndarray
    has_gamma: bool
    masked: scipy.sparse.csr_matrix
    is_on: scipy.sparse.csr_matrix
    hoyer: dict[str, float]

    @classmethod
    def of(cls, model: Any, corpus: TokenIds) -> SparseCodes:
        """Encodes the test set by an `HSVAE` or a `MATVAE`."""
        batches = SequenceBatches(corpus.test, _BATCH_SIZE)
        has_gamma = hasattr(model, "gate_probability")
        if has_gamma:
            gate = model.map_batches(
                model.in_graph("gate_probability"), batches, _BATCH_SIZE
            )
        else:
            gate = np.abs(model.encode(batches))
        masked = model.encode(batches, sparse=True)
        return cls(
            gate,
            has_gamma,
            masked,
            (masked != 0).astype(np.float32),
            hoyer_table(code_views(model, batches)),
        )

    @property
    def on_per_text(self) -> np.ndarray:
        """How many dimensions are on, [N]."""
        return self.is_on.sum(axis=1).A1

    @property
    def share_on(self) -> np.ndarray:
        """In what share of the texts each dimension is on, [Z]."""
        return self.is_on.mean(axis=0).A1

    @property
    def gate_name(self) -> str:
        """What `gate` holds, as axes call it."""
        return "E[gamma]" if self.has_gamma else "size of the mean"
