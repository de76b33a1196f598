"""The program: trains, evaluates, exports and samples the models."""

import contextlib
import dataclasses
import io
import logging
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras_textgen
from keras_textgen.cli.modes import READING
from keras_textgen.cli.naming import program_name
from keras_textgen.cli.recipes import find_recipes, recipe_file
from keras_textgen.cli.settings import (
    HelpRequested,
    RunError,
    Settings,
    VersionRequested,
    help_text,
    parse,
)
from keras_textgen.supported import check_supported
from keras_textgen.training.cluster import ALONE, Cluster, read_cluster
from keras_textgen.training.run_directory import (
    RunDirectory,
    shown,
    write_whole,
)

# In the current folder, unless --output says otherwise.
_COMPARISON_FILE = "comparison.html"


def run_program(argv: Sequence[str]) -> int:
    """Run the command line, see `keras_textgen.__main__.main`.

    Args:
      argv: the program's name, then flags.

    Returns:
      Exit status.

    Raises:
      KeyboardInterrupt: where nothing has to be saved.
    """
    # Whole lines at once, also into a file, so that a kill loses none.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    program = program_name(argv[0])
    try:
        return _run(argv, time.monotonic())
    except HelpRequested as asked:
        print(help_text(program, asked.model), end="")
        return 0
    except VersionRequested:
        print(f"keras-textgen {keras_textgen.__version__}")
        return 0
    except RunError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever reads the results has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(argv: Sequence[str], started: float) -> int:
    """Check everything that needs no TensorFlow, and only then import it."""
    try:
        check_supported()
    except ValueError as error:
        raise RunError(str(error)) from None
    recipes = find_recipes()
    settings = parse(argv, recipes)
    if settings.runs is not None:
        return _compare(settings)
    if settings.seeds is not None or settings.mode == "sweep":
        return _run_several(argv, settings, recipes)
    directory = RunDirectory(settings.run_dir)
    directory.check(settings)
    if settings.mode != "train":
        directory.check_model()
    if settings.beside is not None:
        RunDirectory(settings.beside).check_model()
    cluster = _cluster(settings)
    with _output_of(cluster):
        data = _read(settings)
        _print_missing_recipe(settings, recipes)
        with (
            _place_of(directory, settings, cluster) as place,
            _ended_by_interrupts(program_name(argv[0])),
        ):
            status = _run_with_tensorflow(settings, place, data, cluster)
        if status == 0 and not _prints_results(settings):
            print(f"Took {(time.monotonic() - started) / 60:.1f} minutes.")
    return status


def _run_several(
    argv: Sequence[str], settings: Settings, recipes: pathlib.Path
) -> int:
    """Train several runs, a process each."""

    def check_data() -> None:
        _read(dataclasses.replace(settings, mode="train"))

    if settings.seeds is not None:
        # It imports what only a comparison needs.
        from keras_textgen.tasks.seeds import run_seeds

        return run_seeds(argv, settings, recipes, check_data)
    from keras_textgen.tasks.sweeps import run_sweep

    return run_sweep(argv, settings, recipes, check_data)


def _compare(settings: Settings) -> int:
    """Write the page of several runs, which needs no TensorFlow."""
    from keras_textgen.tasks.reports.comparison import comparison

    path = pathlib.Path(settings.output or _COMPARISON_FILE)
    page = comparison(settings.runs.split(","))
    try:
        write_whole(path, page)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror}); allowed: a file "
            "that can be written"
        ) from None
    where = "" if settings.output else ", in the current folder"
    print(f"Written to {shown(path)}{where}.")
    return 0


def _prints_results(settings: Settings) -> bool:
    """Whether standard output has results, which nothing is to stand among."""
    return settings.mode in READING or settings.output is not None


def _cluster(settings: Settings) -> Cluster:
    """The processes that train together."""
    strategy = settings.distribution_strategy
    if settings.mode == "train" and strategy == "multi_worker_mirrored":
        return read_cluster()
    return ALONE


@contextlib.contextmanager
def _output_of(cluster: Cluster) -> Iterator[None]:
    """Of several workers, the chief alone prints what is no error."""
    with contextlib.ExitStack() as stack:
        if not cluster.is_chief:
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        yield


@contextlib.contextmanager
def _place_of(
    directory: RunDirectory, settings: Settings, cluster: Cluster
) -> Iterator[RunDirectory]:
    """Where this process writes: the run's folder, or a copy that is dropped.

    Every worker takes the same steps, but only the chief's files are kept.
    """
    if not cluster.is_chief:
        with directory.copied() as copy:
            yield copy
        return
    writes = settings.mode in ("train", "export")
    with directory.claimed() if writes else contextlib.nullcontext():
        yield directory


@contextlib.contextmanager
def _ended_by_interrupts(program: str) -> Iterator[None]:
    """Let Ctrl-C end the process at once, as SIGTERM does.

    TensorFlow's own code can lose an exception and go on with what is half
    made; files are whole at any moment. Training notes the signal in its place.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    # Imports are quiet, and this is not.
    stderr = os.dup(2)

    def end(number: int, _: Any) -> None:
        os.write(stderr, f"\n{program}: interrupted\n".encode())
        os._exit(128 + number)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.close(stderr)


def _read(settings: Settings) -> Any:
    """The data that the mode needs, if any."""
    if settings.mode not in ("train", "evaluate", "report", *READING):
        return None
    # NumPy, too, is imported only when the command line is known to be good.
    from keras_textgen.tasks.data import DataError, check_input, read_data

    try:
        if settings.mode in READING:
            return check_input(settings)
        return read_data(settings)
    except DataError as error:
        raise RunError(str(error)) from None
    except MemoryError:
        raise RunError(
            f"--data_dir={settings.data_dir}: out of memory; allowed: less data"
        ) from None


def _print_missing_recipe(settings: Settings, recipes: pathlib.Path) -> None:
    model, dataset = settings.model, settings.dataset
    if settings.mode == "train" and not recipe_file(recipes, model, dataset):
        print(
            f"No recipe for {model} on {dataset}: where no flag is given, the "
            "defaults of the model and of --helpshort hold."
        )


def _run_with_tensorflow(
    settings: Settings, directory: RunDirectory, data: Any, cluster: Cluster
) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _quiet_stderr():
        from keras_textgen.training.strategies import get_strategy

        if cluster != ALONE:
            # Workers have to meet before anything is computed.
            get_strategy(settings.distribution_strategy)
        from keras_textgen.tasks import runs
    # It warns whenever a function is traced for a few more shapes.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)

    try:
        runs.run(settings, directory, data, cluster)
    except runs.Interrupted as interrupted:
        print(
            f"\nStopped by {interrupted}, and saved. The same command goes on."
        )
        return 128 + interrupted.signal_number
    return 0


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what TensorFlow logs while it is imported; no setting stops it."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
