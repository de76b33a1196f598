"""Modules by the paths that they had before; free of TensorFlow.

An import by an old path gives the module of today and a DeprecationWarning.
The table goes when this release has had a successor.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
import warnings
from collections.abc import Sequence

_PACKAGE = "keras_textgen"
MOVED = {
    "data.archives": "data.readers.archives",
    "data.bags": "data.batches.bags",
    "data.batching": "data.batches.sequences",
    "data.document_batching": "data.batches.documents",
    "data.imdb": "data.readers.imdb",
    "data.newsgroups": "data.readers.newsgroups",
    "data.own_ratings": "data.readers.tables",
    "data.pair_batching": "data.batches.cells",
    "data.prepared": "data.readers.prepared",
    "data.ptb": "data.readers.ptb",
    "data.reading": "data.readers.files",
    "data.sotu": "data.readers.sotu",
    "data.text": "data.readers.text",
    "data.word_vectors": "data.readers.word_vectors",
    "distributions.von_mises_fisher": "distributions.sphere",
    "evaluation.attention_page": "pages.attention_page",
    "evaluation.html_page": "pages.html_page",
    "evaluation.likelihood": "objectives.importance_weights",
    "evaluation.sparsity_page": "pages.sparsity_page",
    "evaluation.svg": "pages.svg",
    "evaluation.topic_page": "pages.topic_page",
    "export": "models.exporting",
    "export_dmf": "models.exporting",
    "export_han": "models.exporting",
    "export_sae": "models.exporting",
    "generation": "decoding",
    "generation.beam_search": "decoding.beam_search",
    "generation.common": "decoding.common",
    "generation.interpolation": "decoding.interpolation",
    "generation.sampling": "decoding.sampling",
    "layers.noise": "noise",
    "models.classification_metrics": "models.documents.classification_metrics",
    "models.dmf": "models.matrices.dmf",
    "models.factor_model": "models.matrices.factor_model",
    "models.free_bits": "objectives.free_bits",
    "models.global_batch_model": "models.base",
    "models.han": "models.documents.han",
    "models.hdgm": "models.text.hdgm",
    "models.hsvae": "models.text.hsvae",
    "models.latent_text_model": "models.text.latent_text_model",
    "models.lstm_lm": "models.text.lstm_lm",
    "models.lstm_vae": "models.text.lstm_vae",
    "models.mat_vae": "models.text.mat_vae",
    "models.mmd": "objectives.mmd",
    "models.posteriors": "models.text.posteriors",
    "models.registry": "models.register",
    "models.sae": "models.topics.sae",
    "models.sampled_softmax": "objectives.sampled_softmax",
    "models.sentence_vae": "models.text.sentence_vae",
    "models.single_latent_text_model": "models.text.single_latent_text_model",
    "models.sparse_text_model": "models.text.sparse_text_model",
    "models.text_model": "models.text.text_model",
    "saving": "models.loading",
    "training.data": "tasks.data",
    "training.document_task": "tasks.documents",
    "training.flag_table": "cli.table",
    "training.matrix_task": "tasks.matrices",
    "training.optimizers": "optimizers",
    "training.recipes": "cli.recipes",
    "training.runs": "tasks.runs",
    "training.schedules": "schedules",
    "training.settings": "cli.settings",
    "training.task": "tasks.base",
    "training.text_task": "tasks.text",
    "training.topic_task": "tasks.topics",
}


class OldPaths(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module that has moved.

    Example:
        >>> spec = OldPaths().find_spec("keras_textgen.layers.noise", None)
        >>> spec.name
        'keras_textgen.layers.noise'
        >>> OldPaths().find_spec("keras_textgen.noise", None)
    """

    def __init__(self) -> None:
        self._own_specs: dict[str, importlib.machinery.ModuleSpec | None] = {}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """What `import` asks for; None for all that has not moved."""
        del path, target
        package, _, old = fullname.partition(".")
        if package != _PACKAGE or old not in MOVED:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(
        self, spec: importlib.machinery.ModuleSpec
    ) -> types.ModuleType:
        """The module of today, which `import` also files under the old name."""
        new = f"{_PACKAGE}.{MOVED[spec.name.removeprefix(_PACKAGE + '.')]}"
        warnings.warn(
            f"{spec.name} has moved to {new}; the old path goes with the next "
            "release",
            DeprecationWarning,
            # Python leaves its own frames of an import out of the count.
            stacklevel=2,
        )
        module = importlib.import_module(new)
        self._own_specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Undo what `import` has written on the module of today."""
        module.__spec__ = self._own_specs.pop(module.__spec__.name)


def install() -> None:
    """Let imports find what has moved."""
    if not any(isinstance(each, OldPaths) for each in sys.meta_path):
        # First: an old package's path is that of the new one, in which the
        # others would find a module and load it a second time.
        sys.meta_path.insert(0, OldPaths())
