"""Loading models that were saved as `.keras` files."""

from pathlib import Path

import keras

# Imported for what they register with Keras: the classes in a saved model.
from keras_textgen.models import register  # noqa: F401


def load_model(path: str | Path) -> keras.Model:
    """Load a model of this package, with its vocabulary and optimizer.

    `keras.saving.load_model` knows a class only once its module has been
    imported; this imports all that can be in a file.

    Args:
        path: A file written by `model.save("....keras")` or by `trainer.py`.

    Returns:
        The model, compiled if it was.

    Example:
        >>> import tempfile
        >>> from keras_textgen import SentenceVAE, Vocabulary
        >>> model = SentenceVAE(Vocabulary(["red", "rose"]), rnn_units=4)
        >>> file = tempfile.mkdtemp() + "/model.keras"
        >>> model.save(file)
        >>> loaded = load_model(file)
        >>> bool((loaded.encode(["rose"]) == model.encode(["rose"])).all())
        True
    """
    return keras.saving.load_model(path)
