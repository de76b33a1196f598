"""What others should mend, mended in a copy of it."""

import os
import pathlib
import shutil
import subprocess
import sys

import keras
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATCH = ROOT / "docs" / "upstream" / "keras_multi_worker.patch"
TEST = "keras/src/backend/tensorflow/trainer_multi_worker_test.py"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("patch") is None, reason="no patch")
def test_keras_with_the_patch_trains_with_two_workers(tmp_path):
    shutil.copytree(pathlib.Path(keras.__file__).parent, tmp_path / "keras")
    applied = subprocess.run(
        ["patch", "-p1", "--forward", f"--input={PATCH}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert applied.returncode == 0, applied.stdout
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        text=True,
    )
    assert "2 passed" in tested.stdout, tested.stdout[-2000:]
