"""Distributions that tensorflow-probability lacks, and shorthands of its."""

from keras_textgen.lazy import lazy_names

_PUBLIC = {
    "InteriorBeta": "keras_textgen.distributions.beta",
    "LogBeta": "keras_textgen.distributions.beta",
    "SpikeAndSlab": "keras_textgen.distributions.spike_and_slab",
    "diagonal_normal": "keras_textgen.distributions.gaussian",
    "standard_normal": "keras_textgen.distributions.gaussian",
    "uniform_on_sphere": "keras_textgen.distributions.sphere",
    "von_mises_fisher": "keras_textgen.distributions.sphere",
}
__all__ = sorted(_PUBLIC)
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
