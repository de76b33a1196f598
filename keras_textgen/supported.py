"""Where the package works: what else is refused before Keras is imported."""

import json
import os
import pathlib
import sys

from keras_textgen.checks import refused

BACKEND = "tensorflow"


def check_supported() -> None:
    """Refuse another backend of Keras, and Windows.

    Raises:
        ValueError: If Keras is not, or would not be, on TensorFlow; or the
            system is Windows.

    Example:
        >>> check_supported()
    """
    if sys.platform == "win32":
        raise refused(
            f"sys.platform={sys.platform!r}",
            "Linux and macOS; on Windows, its subsystem for Linux (WSL)",
        )
    name, backend = _backend()
    if backend != BACKEND:
        raise refused(f"{name}={backend}", BACKEND)


def _backend() -> tuple[str, str]:
    """Who decides on Keras's backend, and what it is, as Keras finds it."""
    keras = sys.modules.get("keras")
    if hasattr(keras, "config"):
        return "keras.config.backend()", keras.config.backend()
    if os.environ.get("KERAS_BACKEND"):
        return "KERAS_BACKEND", os.environ["KERAS_BACKEND"]
    folder = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
    file = pathlib.Path(folder, "keras.json")
    try:
        settings = json.loads(file.read_text("utf-8"))
        return f"{file}: backend", settings.get("backend", BACKEND)
    except (OSError, ValueError, AttributeError):
        # Keras goes on without a file that it cannot read.
        return "KERAS_BACKEND", BACKEND
