"""Ctrl-C before anything is to be saved: one line, and its exit status."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# Runs a program, and interrupts it at the import of a module.
CODE = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, *rest):
        if name == module:
            if within_c == "True":
                raise SystemError("as C says") from KeyboardInterrupt()
            raise KeyboardInterrupt
within_c, module, program, *sys.argv = sys.argv[1:]
sys.meta_path.insert(0, Interrupts())
if program.endswith(".py"):
    runpy.run_path(program, run_name="__main__")
else:
    runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("within_c", [False, True])
@pytest.mark.parametrize(
    ("program", "module", "arguments"),
    [
        ("trainer.py", "keras_textgen.specs", []),
        ("trainer.py", "keras_textgen.program", []),
        ("trainer.py", "absl", []),
        ("trainer.py", "keras_textgen.tasks.data", ["--seed=1"]),
        ("keras_textgen", "absl", []),
        ("keras_textgen.prepare", "numpy", ["--input=a", "--output=b"]),
        (
            "keras_textgen.convert",
            "tensorflow",
            ["sae", str(ROOT / "setup.py"), "b"],
        ),
        ("keras_textgen.serve", "uvicorn", ["vae_sotu", "--port=8931"]),
    ],
)
def test_an_interrupted_import_is_one_line(
    tmp_path, program, module, arguments, within_c
):
    path = str(ROOT / program) if program.endswith(".py") else program
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            CODE,
            str(within_c),
            module,
            path,
            path,
            *arguments,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    name = program if program.endswith(".py") else f"python -m {program}"
    assert done.stderr == f"\n{name}: interrupted\n"
    assert done.returncode == 130
    assert not list(tmp_path.iterdir())


# A module whose import is interrupted, and whose code takes no notice.
DEAF = """
import signal, sys
# A shell's background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
class Deaf:
    def find_spec(self, name, *rest):
        if name == "keras_textgen.training.strategies":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass
sys.meta_path.insert(0, Deaf())
from keras_textgen.__main__ import main
sys.exit(main(["trainer.py", "--mode=generate", "--preset=lstm_lm_sotu"]))
"""


def test_an_interrupt_that_is_lost_in_other_code(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DEAF],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "\ntrainer.py: interrupted\n"
    assert (done.stdout, done.returncode) == ("", 130)
