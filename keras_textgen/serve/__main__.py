"""`python -m keras_textgen.serve`: a trained model behind a port."""

import argparse
import os
import pathlib
import socket
import sys
from collections.abc import Sequence
from typing import Any

from keras_textgen.checks import refused
from keras_textgen.cli.naming import INTERRUPTS, say_interrupted, say_refused
from keras_textgen.cli.presets import find_preset
from keras_textgen.cli.settings import FLAGS_FILE, RunError, read_flagfile
from keras_textgen.data.formats.collect import checked_text
from keras_textgen.data.formats.records import read_records
from keras_textgen.training.run_directory import RunDirectory

PROGRAM = "python -m keras_textgen.serve"


def main(argv: Sequence[str]) -> int:
    """Serve a run or a preset until a signal ends it.

    Args:
        argv: Arguments, without the program's name.

    Returns:
        Exit status: 2 for what cannot be served, which is said in one line.
    """
    given = parser().parse_args(argv)
    try:
        folder = _folder(given.run)
        settings = read_flagfile(folder / FLAGS_FILE)
        _check_address(given.host, given.port)
        # Before TensorFlow is imported.
        texts = _texts(given.neighbors)
        uvicorn, make_app = _web()
        from keras_textgen.models.loading import load_model

        model = load_model(RunDirectory(folder).model_file)
        app = make_app(settings, model, texts=texts)
    # A model that cannot be loaded is a ValueError.
    except (RunError, ValueError) as error:
        return say_refused(PROGRAM, error, given.run)
    except INTERRUPTS as error:
        return say_interrupted(PROGRAM, error)
    print(f"Serving {folder} on http://{given.host}:{given.port}", flush=True)
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        log_level="warning",
        # What is begun is ended before the server is.
        timeout_graceful_shutdown=60,
    )
    return 0


def _folder(run: str) -> pathlib.Path:
    """The folder of a run or a preset.

    Raises:
        RunError: it is none, or has no model yet.
    """
    folder = pathlib.Path(run)
    if not folder.is_dir():
        found = find_preset(run)
        if found is None or not found.is_dir():
            raise RunError(
                f"{run}: no such run; allowed: the folder of a run, or the "
                "name of a preset"
            )
        folder = found
    if not (folder / FLAGS_FILE).is_file():
        raise RunError(
            f"{folder}: there is no run ({FLAGS_FILE} is missing); allowed: "
            "the folder of a run, or the name of a preset"
        )
    RunDirectory(folder).check_model()
    return folder


def _texts(path: str | None) -> list[str]:
    """The texts of a file, those with words.

    Raises:
        ValueError: there are none, or the file cannot be read.
    """
    if path is None:
        return []
    records = read_records(path, ["text"], checked_text)
    texts = [each.values[0] for each in records if each.values is not None]
    if not texts:
        raise refused(f"--neighbors={path} without a text", "1 text or more")
    return texts


def _check_address(host: str, port: int) -> None:
    """Refuses an address before the model is loaded.

    Raises:
        RunError: nobody can listen there, or somebody does.
    """
    if not 0 < port < 2**16:
        raise RunError(f"--port={port}; allowed: 1 to 65535")
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise RunError(
            f"--host={host} --port={port}: {error.strerror}; allowed: an "
            "address of this machine, and a port that is free"
        ) from None


def _web() -> tuple[Any, Any]:
    """What serves.

    Raises:
        RunError: it is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import uvicorn

        from keras_textgen.serve.app import make_app
    except ModuleNotFoundError as error:
        raise RunError(
            f"{error.name} is not installed; allowed: after pip install "
            "'keras-textgen[serve]'"
        ) from None
    return uvicorn, make_app


def parser() -> argparse.ArgumentParser:
    """What the program takes.

    Example:
        >>> given = parser().parse_args(["hdgm_sotu"])
        >>> given.host, given.port
        ('127.0.0.1', 8000)
    """
    parser = argparse.ArgumentParser(
        PROGRAM, description="A trained model behind a port."
    )
    parser.add_argument("run", help="the folder of a run, or a preset's name")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on; 0.0.0.0 for all, which has no "
        "protection of its own",
    )
    parser.add_argument(
        "--neighbors",
        metavar="FILE",
        help="texts among which /neighbors finds the nearest: a text a line, "
        "or a table with a column text",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
