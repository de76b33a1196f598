"""Models as estimators of scikit-learn: in pipelines and cross-validation.

scikit-learn's own functions hand lists of strings on as they are; Keras's
wrappers for it take tables of numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import sklearn.base


class _Estimator(sklearn.base.BaseEstimator):
    """Base of both.

    Args:
        make: From the rows that are fitted, and their targets, to a new model,
            so that vocabulary and classes are those of these rows.
        fit_arguments: Of the model's `fit`, beside the data.

    Attributes:
        model_: The model, once it has been fitted.
    """

    def __init__(
        self,
        make: Callable[[Any, Any], keras.Model],
        fit_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.make = make
        self.fit_arguments = fit_arguments

    def _fit(self, x: Any, y: Any, targets: Any) -> None:
        self.model_ = self.make(x, y)
        self.model_.fit(
            x, targets, **{"verbose": 0, **(self.fit_arguments or {})}
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")


class TextClassifier(sklearn.base.ClassifierMixin, _Estimator):
    """A model that classifies, such as `HierarchicalAttentionNetwork`.

    Args:
        make: From the rows that are fitted, and their labels, to a new model
            with as many classes as there are different labels.
        fit_arguments: Of the model's `fit`, beside the data.

    Attributes:
        classes_: The labels, sorted: the model's classes, by number.
        model_: The model, once it has been fitted.

    Example:
        >>> from keras_textgen import HierarchicalAttentionNetwork, Vocabulary
        >>> def make(texts, labels):
        ...     return HierarchicalAttentionNetwork(
        ...         Vocabulary.from_texts(texts), len(set(labels)), seed=1
        ...     )
        >>> texts = ["good", "so good", "bad", "so bad"] * 4
        >>> labels = ["yes", "yes", "no", "no"] * 4
        >>> estimator = TextClassifier(make, {"epochs": 20})
        >>> estimator.fit(texts, labels).predict(["bad"]).tolist()
        ['no']
    """

    def fit(self, x: Sequence, y: Sequence) -> TextClassifier:
        """Make a model and train it.

        Args:
            x: N documents, as the model takes them.
            y: N labels, of any type that can be sorted.

        Raises:
            ValueError: If the model takes no such rows.
        """
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        self._fit(x, y, numbers)
        return self

    def predict_proba(self, x: Sequence) -> np.ndarray:
        """Probabilities of `classes_`, float32 [N, classes]."""
        return self.model_.predict(x, verbose=0)

    def predict(self, x: Sequence) -> np.ndarray:
        """The likeliest label of each document, [N]."""
        return self.classes_[np.argmax(self.predict_proba(x), axis=1)]


class TextTransformer(sklearn.base.TransformerMixin, _Estimator):
    """A model that encodes, such as `SoftmaxAutoencoder`.

    Args:
        make: From the rows that are fitted, and targets or None, to a new
            model.
        fit_arguments: Of the model's `fit`, beside the data.

    Attributes:
        model_: The model, once it has been fitted.

    Example:
        >>> from keras_textgen import SoftmaxAutoencoder, Vocabulary
        >>> def make(texts, labels):
        ...     vocabulary = Vocabulary.from_texts(texts)
        ...     return SoftmaxAutoencoder(vocabulary, latent_dim=2, seed=1)
        >>> texts = ["a red rose", "the sea", "red", "rose and sea"]
        >>> TextTransformer(make).fit_transform(texts).shape
        (4, 2)
    """

    def fit(self, x: Sequence, y: Any = None) -> TextTransformer:
        """Make a model and train it.

        Args:
            x: N rows, as the model takes them.
            y: `make` is given it; the model is not.

        Raises:
            ValueError: If the model takes no such rows.
        """
        self._fit(x, y, None)
        return self

    def transform(self, x: Sequence) -> np.ndarray:
        """Codes, [N, latent], of the model's `encode`."""
        return self.model_.encode(x)
