"""SavedModels of named functions, which need TensorFlow alone."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.private_saving import tracing_for
from keras_textgen.serving.endpoints import SEED, Endpoint
from keras_textgen.serving.versions import MODEL_FILE, version_numbers
from keras_textgen.serving.warm_up import write_warm_up

# In the folder of a SavedModel of texts that needs more than TensorFlow: one
# that does not, and the name of the package.
WITHOUT_TEXTS, _NEEDS = "tokens", "needs.txt"


def write(
    path: str | Path,
    endpoints: Mapping[str, Endpoint],
    variables: Iterable[tf.Variable] = (),
    tables: Iterable[Any] = (),
) -> None:
    """Write functions, with all that they refer to, as a SavedModel.

    What `tf.saved_model.load(path)` gives has each function under its name, for
    its inputs alone, with the options up to a seed, and with all options.
    `signatures` has it with all of them, under its name and under those that
    `Endpoint.also` makes. A request of each signature stands beside it, by
    which TensorFlow Serving warms up.

    Args:
        path: Folder to write; made if it is not there.
        endpoints: Functions by name.
        variables: Those that the functions read.
        tables: Those that the functions look up, and other resources.

    Raises:
        ValueError: If two signatures would have one name.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp()
        >>> scale = tf.Variable(2.0)
        >>> scaled = Endpoint(
        ...     lambda x: {"y": scale * x}, [tf.TensorSpec([None], name="x")]
        ... )
        >>> write(path, {"scaled": scaled}, variables=[scale])
        >>> served = read(path)
        >>> served.scaled(tf.constant([4.0]))["y"].numpy().tolist()
        [8.0]
    """
    module = tf.Module()
    # A SavedModel holds what hangs on the module: not Keras's objects, which
    # could not be loaded without Keras.
    module.weights = list(variables)
    module.tables = list(tables)
    # They serve and do not train; tracing gradients takes long.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    signatures: dict[str, Any] = {}
    taken: dict[str, Sequence[tf.TensorSpec]] = {}
    for name, endpoint in endpoints.items():
        function = tf.function(endpoint.function, autograph=False)
        setattr(module, name, function)
        for signature, specs in endpoint.signatures(name).items():
            if signature in signatures:
                raise refused(
                    f"signature {signature!r} of endpoint {name!r} is that of "
                    "another one",
                    "a name of its own",
                )
            with tracing_for(options):
                signatures[signature] = _traced(
                    function, specs, endpoint.options
                )
            taken[signature] = [*specs, *endpoint.options]
    tf.saved_model.save(
        module, str(path), signatures=signatures, options=options
    )
    write_warm_up(path, taken)


def _traced(
    function: Any,
    inputs: Sequence[tf.TensorSpec],
    options: Sequence[tf.TensorSpec],
) -> Any:
    """Trace all that may be given; the last one, with all, is returned."""
    lengths = {0, len(options)}
    if SEED in options:
        lengths.add(options.index(SEED) + 1)
    return [
        function.get_concrete_function(*inputs, *options[:length])
        for length in sorted(lengths)
    ][-1]


def write_without_texts(
    path: str | Path, package: str, *args: Any, **kwargs: Any
) -> None:
    """Write, within a SavedModel, one of what needs no package but TensorFlow.

    Args:
        path: Folder of the SavedModel.
        package: That it needs itself, which must be imported before it is
            loaded; `read` does so.
        *args: As in `write`: of the one without texts, which is loaded from
            the folder `tokens` in `path`.
        **kwargs: See there.
    """
    write(Path(path) / WITHOUT_TEXTS, *args, **kwargs)
    (Path(path) / _NEEDS).write_text(f"{package}\n", "utf-8")


def read(path: str | Path) -> Any:
    """Load a SavedModel, or the newest of the versions in a folder.

    The package that it needs beside TensorFlow, if any, is imported for it.

    Args:
        path: What was written by `write`, or a folder of versions.

    Returns:
        An object with the functions by their names, and `signatures`. Keep
        it: with it the variables go.

    Raises:
        ValueError: If the folder holds neither, or a package is missing.

    Example:
        >>> read("nowhere")
        Traceback (most recent call last):
        ValueError: nowhere: no SavedModel; allowed: a folder with one, or \
with versions of one (1, 2, ...)
    """
    folder = Path(path)
    if not (folder / MODEL_FILE).is_file():
        versions = version_numbers(folder)
        if not versions:
            raise refused(
                f"{path}: no SavedModel",
                "a folder with one, or with versions of one (1, 2, ...)",
            )
        folder = folder / str(versions[-1])
    _import_what_it_needs(folder)
    return tf.saved_model.load(str(folder))


def needed_package(path: str | Path) -> str | None:
    """The package that a SavedModel needs beside TensorFlow, if any.

    Args:
        path: Folder of the SavedModel.

    Example:
        >>> print(needed_package("nowhere"))
        None
    """
    file = Path(path) / _NEEDS
    return file.read_text("utf-8").strip() if file.is_file() else None


def _import_what_it_needs(folder: Path) -> None:
    package = needed_package(folder)
    if package is None:
        return
    try:
        importlib.import_module(package)
    except ImportError:
        raise refused(
            f"{folder}: its texts need {package}, which is not installed",
            f"pip install {package.replace('_', '-')}, or "
            f"{folder / WITHOUT_TEXTS}, which takes token ids",
        ) from None
