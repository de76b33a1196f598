"""Set-up shared by all tests."""

import gc
import itertools
import os
import pathlib
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

# TensorFlow reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from keras_textgen.models import seeding

ROOT = pathlib.Path(__file__).resolve().parent.parent


# Two, but for a run of the tests of replicas alone.
REPLICAS = int(os.environ.get("KERAS_TEXTGEN_TEST_REPLICAS", "2"))


def _logical_devices() -> None:
    """Splits the CPU, so that replicas can be tested on any machine.

    TensorFlow accepts this only before its runtime starts, hence at import.
    """
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS
    )


_logical_devices()


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Folder with the real corpora; without it the test is skipped.

    The environment variable KERAS_TEXTGEN_TEST_DATA names the folder; its
    default is shared/data beside the repository. See docs/data.md for the
    files expected there.
    """
    default = ROOT.parent / "shared" / "data"
    folder = pathlib.Path(os.environ.get("KERAS_TEXTGEN_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(
            f"no corpora in {folder}; set KERAS_TEXTGEN_TEST_DATA to their "
            "folder"
        )
    return folder


_DRAWN_SEED = seeding.drawn_seed


@pytest.fixture(autouse=True, scope="session")
def models_without_a_seed_are_alike() -> Iterator[None]:
    """Lets the tests leave the seed out, and repeat themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeding, "drawn_seed", lambda: 0)
        yield


@pytest.fixture
def drawn_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models without a seed draw one, as they do outside of the tests."""
    monkeypatch.setattr(seeding, "drawn_seed", _DRAWN_SEED)


# A whole run of the program, and exports of all models: the first test that
# asks for one waits for it, whichever it is.
SLOW_FIXTURES = {"finished", "answers"}
# Examples that need the packages of an extra, by its name.
EXTRAS = {
    "subwords": (
        ("tensorflow_text", "sentencepiece"),
        ("keras_textgen/data/subwords/", "[docs/subwords.md]"),
    ),
    "transformers": (
        ("keras_hub",),
        (
            "keras_textgen/layers/backbones.py",
            "keras_textgen/models/text/pretrained.py",
            "[docs/models/optimus.md]",
        ),
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that were slow, and examples without their extra."""
    listed = pathlib.Path(__file__).with_name("slow_tests.txt")
    slow = set(listed.read_text("utf-8").splitlines())
    missing = [
        (extra, names)
        for extra, (packages, names) in EXTRAS.items()
        if any(find_spec(package) is None for package in packages)
    ]
    for item in items:
        is_slow = not SLOW_FIXTURES.isdisjoint(item.fixturenames)
        if is_slow or measured_name(item) in slow:
            item.add_marker(pytest.mark.slow)
        for extra, names in missing:
            if any(name in item.nodeid for name in names):
                item.add_marker(
                    pytest.mark.skip(f"the extra {extra} is missing")
                )


# After so many tests, TensorFlow drops what it keeps of models that are gone,
# some 2 MB of each: all tests make thousands.
TESTS_A_CLEARING = 25
_finished = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """Bounds the memory of a process that runs many tests."""
    if next(_finished) % TESTS_A_CLEARING == 0:
        keras.backend.clear_session()


def pytest_collection_finish() -> None:
    """Lets the garbage collector look at what tests make, and less often.

    It went through all of TensorFlow again and again, 13 % of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def measured_name(item: pytest.Item) -> str:
    """A test's name as reports of times have it, without parameters."""
    path = item.path.relative_to(ROOT).with_suffix("")
    return f"{'.'.join(path.parts)}::{item.name.split('[')[0]}"
