"""Executes the notebooks, and keeps what the documentation shows of them.

    python docs/notebooks/run.py               # all, a few minutes
    python docs/notebooks/run.py topics        # one of them

Each runs in a process and in an empty folder of its own, with warnings as
errors. Jupyter is not needed: the cells are run one after the other by plain
Python, and as there, a cell shows what it prints and the value of its last
line. In `pictures/` are then the charts, `<notebook>-<cell>.png`, and
`<notebook>.json`: what else cells have shown, and the code that has shown it.
"""

import argparse
import ast
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import altair

# Comes with matplotlib.
import PIL.Image

FOLDER = pathlib.Path(__file__).resolve().parent
PICTURES = FOLDER / "pictures"
ROOT = FOLDER.parents[1]
# Warnings of TensorFlow's own, which pyproject.toml leaves out, too.
_IGNORED = (
    "distutils Version classes are deprecated",
    "__array__ implementation doesn't accept a copy keyword",
)


def notebooks() -> list[pathlib.Path]:
    """The notebooks, by name."""
    return sorted(FOLDER.glob("*.ipynb"))


def code_cells(notebook: pathlib.Path) -> dict[int, str]:
    """The code of a notebook, by the numbers of its cells."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return {
        number: "".join(cell["source"])
        for number, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }


def run(notebook: pathlib.Path, output: pathlib.Path) -> tuple[float, float]:
    """Execute a notebook in a process and an empty folder of its own.

    Args:
        notebook: its file.
        output: the folder for what it shows.

    Returns:
        Seconds that it took, from the start of Python to its end, and seconds
        of one core.

    Raises:
        subprocess.CalledProcessError: a cell has failed; the traceback is on
            standard error.
    """
    # Processes that a notebook starts are held to these, too.
    ignored = (f"ignore:{message}:DeprecationWarning" for message in _IGNORED)
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "PYTHONWARNINGS": ",".join(["error", *ignored]),
    }
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    output.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, f"--inside={notebook.resolve()}"]
    start = time.monotonic(), _seconds_of_children()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*command, f"--output={output.resolve()}"],
            cwd=folder,
            env=environment,
            check=True,
        )
    return time.monotonic() - start[0], _seconds_of_children() - start[1]


def _seconds_of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def run_here(notebook: pathlib.Path, output: pathlib.Path) -> None:
    """Execute the cells of a notebook in this process."""
    cells = code_cells(notebook)
    shown: dict[int, str] = {}
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, code in cells.items():
        place = f"{notebook.name}, cell {number}"
        printed, value = execute(code, names, place)
        if isinstance(value, altair.TopLevelMixin):
            save(value, output / f"{notebook.stem}-{number}.png")
        elif value is not None:
            printed += f"{value!r}\n"
        if printed:
            shown[number] = printed
    record = json.dumps(
        {"code": list(cells.values()), "shown": shown},
        ensure_ascii=False,
        indent=1,
    )
    (output / f"{notebook.stem}.json").write_text(f"{record}\n", "utf-8")


def execute(code: str, names: dict[str, Any], place: str) -> tuple[str, Any]:
    """Execute a cell.

    Args:
        code: of the cell.
        names: what earlier cells have made; this one adds to them.
        place: what tracebacks call it.

    Returns:
        What it has printed, and the value of its last line; None without one.
    """
    tree = ast.parse(code, place)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, place, "exec"), names)
        value = last and eval(compile(last, place, "eval"), names)
    return printed.getvalue(), value


def save(chart: altair.TopLevelMixin, path: pathlib.Path) -> None:
    """Write a chart as a PNG file, a small one of the colors that it has."""
    drawn = io.BytesIO()
    chart.save(drawn, format="png", scale_factor=1.5)
    picture = PIL.Image.open(drawn).convert("RGB").quantize(64)
    picture.save(path, optimize=True)


def main() -> None:
    """Run those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="all, unless some are named")
    parser.add_argument("--inside", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=pathlib.Path, default=PICTURES)
    options = parser.parse_args()
    if options.inside:
        run_here(options.inside, options.output)
        return
    known = {path.stem: path for path in notebooks()}
    for name in options.names or known:
        if name not in known:
            parser.error(f"{name!r}; allowed: {', '.join(known)}")
        for old in options.output.glob(f"{name}-*.png"):
            old.unlink()
        seconds, of_a_core = run(known[name], options.output)
        print(f"{name}: {seconds:.0f} s, {of_a_core:.0f} s of one core")


if __name__ == "__main__":
    main()
