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
# The most that are shown side by side.
MOST_DIMENSIONS, MOST_CLASSES = 48, 30
# In a dimension that tells classes apart, their shares differ at least by this.
_SMALLEST_DIFFERENCE = 0.01


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

    def share_on_by(
        self, labels: np.ndarray, classes: np.ndarray
    ) -> np.ndarray:
        """The share of a class's texts in which each dimension is on.

        Args:
            labels: of the texts, [N].
            classes: some of them.

        Returns:
            float [classes, Z].
        """
        return np.stack(
            [self.is_on[labels == each].mean(axis=0).A1 for each in classes]
        )


def largest_classes(labels: np.ndarray) -> np.ndarray:
    """The classes with the most texts, in the order of their numbers.

    Example:
        >>> largest_classes(np.array([3, 0, 3])).tolist()
        [0, 3]
    """
    classes, counts = np.unique(labels, return_counts=True)
    largest = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    return np.sort(classes[largest])


def class_name(corpus: TokenIds, label: int) -> str:
    """What a class is called."""
    return corpus.label_names[label] if corpus.label_names else str(label)


def telling_dimensions(
    share: np.ndarray, most: int = MOST_DIMENSIONS
) -> np.ndarray:
    """Dimensions whose shares differ most, by the class where they are high.

    Args:
        share: of a class's texts in which a dimension is on, [classes, Z].
        most: of them.

    Returns:
        Indices of at most so many dimensions.

    Example:
        >>> share = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.5]])
        >>> telling_dimensions(share).tolist()
        [1, 0]
    """
    difference = np.ptp(share, axis=0)
    order = np.argsort(-difference, kind="stable")[:most]
    telling = order[difference[order] >= _SMALLEST_DIFFERENCE]
    highest = np.argmax(share - np.mean(share, axis=0), axis=0)
    return telling[np.argsort(highest[telling], kind="stable")]
