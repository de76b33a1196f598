"""The models of keras-aquarium, by the names and arguments that it has."""

from keras_textgen.lazy import lazy_names

_PUBLIC = {
    "DualMatrixFactorization": "keras_textgen.aquarium.dmf",
    "HierarchicalAttentionRNN": "keras_textgen.aquarium.hatt_rnn",
    "SoftmaxAutoEncoder": "keras_textgen.aquarium.sae",
}
__all__ = sorted(_PUBLIC)
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
