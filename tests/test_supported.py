"""Where the package is refused: other backends of Keras, and Windows."""

import os
import pathlib
import subprocess
import sys

import keras
import pytest

from keras_textgen.supported import check_supported

ROOT = pathlib.Path(__file__).resolve().parent.parent


def last_line(*arguments, **environment):
    """Of stderr; and how many lines there are."""
    environment = {**os.environ, **environment}
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    lines = finished.stderr.strip().splitlines()
    return finished.returncode, lines[-1], len(lines)


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize(
    "use",
    [
        "from keras_textgen import LSTMVAE",
        "from keras_textgen.layers import BroadMemory",
        "from keras_textgen import Vocabulary",
        "import keras_textgen.models.register",
    ],
)
def test_another_backend_is_refused_before_keras_is_imported(backend, use):
    refused = f"ValueError: KERAS_BACKEND={backend}; allowed: tensorflow"
    program = f"import sys\ntry:\n {use}\nfinally:\n assert 'keras' not in "
    program += "sys.modules"
    status, line, _ = last_line("-c", program, KERAS_BACKEND=backend)
    assert (status, line) == (1, refused)


def test_the_program_says_so_in_one_line(tmp_path):
    found = last_line(
        "trainer.py",
        "--model=sae",
        f"--run_dir={tmp_path}",
        KERAS_BACKEND="jax",
    )
    refused = "trainer.py: error: KERAS_BACKEND=jax; allowed: tensorflow"
    assert found == (2, refused, 1)


def test_the_settings_of_keras_are_read(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    check_supported()
    file = tmp_path / "keras.json"
    file.write_text('{"backend": "jax"}', "utf-8")
    with pytest.raises(ValueError, match="jax; allowed: tensorflow") as error:
        check_supported()
    assert str(error.value).startswith(f"{file}: backend=")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_supported()
    monkeypatch.delenv("KERAS_BACKEND")
    for text in ("{}", "[]", "no json"):
        file.write_text(text, "utf-8")
        check_supported()


def test_what_keras_runs_on_counts(monkeypatch):
    """Whatever the environment has said since."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    check_supported()
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=r"^keras.config.backend\(\)=jax;"):
        check_supported()


def test_windows_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ValueError, match=r"^sys.platform='win32'; allowed: Li"):
        check_supported()
