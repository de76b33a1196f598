"""Generative and attentive text models for TensorFlow and Keras 3."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> module. Resolved on first use, so that importing the package
# (and with it the command line's argument checks) does not import TensorFlow.
_PUBLIC = {
    "HDGM": "keras_textgen.models.hdgm",
    "SentenceVAE": "keras_textgen.models.sentence_vae",
    "LSTMLanguageModel": "keras_textgen.models.lstm_lm",
    "LSTMVAE": "keras_textgen.models.lstm_vae",
    "HSVAE": "keras_textgen.models.hsvae",
    "MATVAE": "keras_textgen.models.mat_vae",
    "HierarchicalAttentionNetwork": "keras_textgen.models.han",
    "SoftmaxAutoencoder": "keras_textgen.models.sae",
    "DualMatrixFactorization": "keras_textgen.models.dmf",
    "Vocabulary": "keras_textgen.data.vocabulary",
    "SequenceBatches": "keras_textgen.data.batching",
    "load_corpus": "keras_textgen.data.corpora",
    "load_documents": "keras_textgen.data.documents",
    "load_ratings": "keras_textgen.data.ratings",
    "evaluate_model": "keras_textgen.evaluation.report",
    "export_model": "keras_textgen.export",
    "load_model": "keras_textgen.saving",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(
            f"module 'keras_textgen' has no attribute {name!r}; "
            f"public names: {', '.join(__all__)}"
        )
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """List the public names for completion."""
    return [*__all__, "__version__"]
