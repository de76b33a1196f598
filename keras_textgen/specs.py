"""The table of models; free of TensorFlow.

A row says what the command line, the tasks, `models/register.py` and the
package's public names have to know of a model: its class, its kind of data, and
by its traits which settings it takes. To add a model is to write its file and
its row here.
"""

import dataclasses
import importlib
import types
from collections.abc import Mapping
from typing import Any

from keras_textgen import datasets

__all__ = ["KINDS", "SPECS", "TRAITS", "ModelSpec", "names_of"]

# The kinds of models, and which view of a corpus each reads.
KINDS: Mapping[str, str] = types.MappingProxyType(
    {
        "text": "texts",
        "documents": "documents",
        "topics": "bags",
        "matrices": "matrices",
    }
)
TRAITS: Mapping[str, str] = types.MappingProxyType(
    {
        "latent": "has latent variables, with a posterior and a KL term",
        "latent_text": "has latent variables that texts are decoded from",
        "single_latent": "has one latent variable, of a chosen posterior",
        "sparse": "has codes of which most dimensions are 0",
        "reference": "has its code's objective beside a bound",
        "recurrent": "has recurrent layers that read words",
        "any_cell": "has recurrent layers of a chosen cell",
        "attention": "has attention over words",
    }
)
_MODELS = "keras_textgen.models"


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """A model.

    Attributes:
        name: As `--model` names it.
        kind: One of `KINDS`.
        class_path: "module:class" of what is built.
        help: What it is, for `--helpshort`.
        traits: Of `TRAITS`.
    """

    name: str
    kind: str
    class_path: str
    help: str
    traits: frozenset[str] = frozenset()

    @property
    def view(self) -> str:
        """The view of a corpus that it reads."""
        return KINDS[self.kind]

    @property
    def datasets(self) -> tuple[str, ...]:
        """The corpora that it can be trained on."""
        return datasets.names_with(self.view)

    @property
    def module(self) -> str:
        """The module of its class."""
        return self.class_path.partition(":")[0]

    @property
    def class_name(self) -> str:
        """The name of its class."""
        return self.class_path.partition(":")[2]

    def load(self) -> Any:
        """The class, whose module is imported for it."""
        return getattr(importlib.import_module(self.module), self.class_name)

    def is_one_of(self, words: tuple[str, ...]) -> bool:
        """Whether one of the words is its name, its kind or a trait of it."""
        return not {self.name, self.kind, *self.traits}.isdisjoint(words)


def _text(name: str, path: str, help: str, *traits: str) -> ModelSpec:
    return ModelSpec(
        name,
        "text",
        f"{_MODELS}.text.{path}",
        help,
        frozenset({"recurrent", *traits}),
    )


_ROWS = (
    _text(
        "hdgm",
        "hdgm:HDGM",
        "hierarchical deep generative model with dual memory",
        "latent",
        "latent_text",
        "reference",
        "any_cell",
        "attention",
    ),
    _text(
        "vae",
        "sentence_vae:SentenceVAE",
        "Sentence VAE",
        "latent",
        "latent_text",
        "single_latent",
        "reference",
        "any_cell",
    ),
    _text("lstm_lm", "lstm_lm:LSTMLanguageModel", "LSTM language model"),
    _text(
        "lstm_vae",
        "lstm_vae:LSTMVAE",
        "LSTM-VAE",
        "latent",
        "latent_text",
        "single_latent",
    ),
    _text(
        "lstm_vae_avg",
        "lstm_vae_avg:LSTMVAEAVG",
        "LSTM-VAE-AVG, which averages hidden states",
        "latent",
        "latent_text",
        "single_latent",
    ),
    _text(
        "hsvae",
        "hsvae:HSVAE",
        "hierarchical sparse VAE",
        "latent",
        "latent_text",
        "sparse",
    ),
    _text(
        "mat_vae",
        "mat_vae:MATVAE",
        "its baseline MAT-VAE",
        "latent",
        "latent_text",
        "sparse",
    ),
    ModelSpec(
        "han",
        "documents",
        f"{_MODELS}.documents.han:HierarchicalAttentionNetwork",
        "hierarchical attention network, which classifies documents",
        frozenset({"recurrent", "any_cell", "attention"}),
    ),
    ModelSpec(
        "sae",
        "topics",
        f"{_MODELS}.topics.sae:SoftmaxAutoencoder",
        "softmax autoencoder, which finds topics",
    ),
    ModelSpec(
        "prodlda",
        "topics",
        f"{_MODELS}.topics.prodlda:ProdLDA",
        "ProdLDA, a variational topic model",
        frozenset({"latent"}),
    ),
    ModelSpec(
        "dmf",
        "matrices",
        f"{_MODELS}.matrices.dmf:DualMatrixFactorization",
        "dual matrix factorization, which recommends",
    ),
)
SPECS: Mapping[str, ModelSpec] = types.MappingProxyType(
    {row.name: row for row in _ROWS}
)


def names_of(*words: str) -> tuple[str, ...]:
    """The models that have a name, a kind or a trait.

    Args:
        *words: Names, kinds and traits; none for all models.

    Returns:
        Names, in the order of the table.

    Example:
        >>> names_of("sparse", "topics")
        ('hsvae', 'mat_vae', 'sae', 'prodlda')
    """
    return tuple(
        name
        for name, spec in SPECS.items()
        if not words or spec.is_one_of(words)
    )
