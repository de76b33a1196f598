"""Generative and attentive text models for TensorFlow and Keras 3."""

from keras_textgen import moved
from keras_textgen.lazy import lazy_names
from keras_textgen.specs import SPECS

__version__ = "0.2.0"

# Public name -> module. Resolved on first use, so that importing the package
# (and with it the command line's argument checks) does not import TensorFlow.
_PUBLIC = {
    **{spec.class_name: spec.module for spec in SPECS.values()},
    # Of backbones that Python alone can give it.
    "OptimusVAE": "keras_textgen.models.text.optimus",
    "SubwordVocabulary": "keras_textgen.data.subwords.vocabulary",
    "Vocabulary": "keras_textgen.data.vocabulary",
    "SequenceBatches": "keras_textgen.data.batches.sequences",
    "bag_vocabulary": "keras_textgen.data.batches.bags",
    "load_corpus": "keras_textgen.data.corpora",
    "load_documents": "keras_textgen.data.documents",
    "load_ratings": "keras_textgen.data.ratings",
    "open_prepared": "keras_textgen.data.shards.corpus",
    "prepare_corpus": "keras_textgen.prepare.corpus",
    "evaluate_model": "keras_textgen.evaluation.report",
    "export_model": "keras_textgen.models.exporting",
    "load_model": "keras_textgen.models.loading",
    "from_preset": "keras_textgen.models.presets",
    "save_to_preset": "keras_textgen.models.presets",
}

__all__ = sorted(_PUBLIC)

__getattr__, _names = lazy_names(__name__, _PUBLIC)
moved.install()


def __dir__() -> list[str]:
    """List the public names for completion."""
    return [*_names(), "__version__"]
