"""Folders of SavedModels by version, as TensorFlow Serving looks for them.

Free of TensorFlow, so that a command line is checked before it is imported.
"""

from pathlib import Path

MODEL_FILE = "saved_model.pb"


def version_numbers(folder: Path) -> list[int]:
    """The versions in a folder.

    Args:
        folder: It need not exist.

    Returns:
        The whole numbers that name a folder with a SavedModel, ascending.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("9", "10", "old"):
        ...     (folder / name).mkdir()
        ...     (folder / name / MODEL_FILE).touch()
        >>> version_numbers(folder)
        [9, 10]
    """
    models = folder.glob(f"*/{MODEL_FILE}")
    names = [path.parent.name for path in models]
    return sorted(
        int(name) for name in names if name.isascii() and name.isdigit()
    )
