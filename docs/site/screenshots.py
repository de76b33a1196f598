"""Takes pictures of the pages of runs, and of the page of their server.

    pip install -e ".[dev]"
    python docs/site/screenshots.py --output=pictures    # of all kinds
    python docs/site/screenshots.py saved_models/sae_sotu --output=pictures
    python docs/site/screenshots.py --docs               # docs/pictures

A picture of each page of each run, as wide as a phone, a laptop and a desk, in
light colors and in dark ones. Without runs, a small one of each kind is trained
first, from the presets, which takes some minutes. Chromium or Chrome is needed.
Look at them after a change of a page. `--docs` takes those that the
documentation shows, of the same runs.
"""

import argparse
import contextlib
import io
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = {"phone": 390, "laptop": 1280, "desk": 1920}
BROWSERS = ("chromium", "google-chrome", "chrome")
# Of sentences, few and short ones.
_SHORT = ("--max_length=10", "--steps_per_epoch=10", "--importance_samples=0")
# A run of each kind of pages: more than its model, by which it starts.
RUNS = {"vae": _SHORT, "hsvae": _SHORT, "han": (), "sae": (), "dmf": ()}
TYPED = "We must fund our schools. The state of the union is strong."
TYPED_ROW = "1862 Lincoln"
# The first of these that a served model has is what is asked of it.
ASKED = ("attention", "reconstruct", "topics", "recommend")
# What the documentation shows: a page, and one of its parts.
PARTS = {
    "report_training": ("vae/report.html", "Training"),
    "report_map": ("vae/report.html", "Map of the codes"),
    "report_sparse": ("hsvae/report.html", "Dimensions that are on"),
    "report_mistakes": ("han/report.html", "What is taken for what"),
    "report_topics": ("sae/report.html", "Words of the topics"),
    "report_times": ("sae/report.html", "Topics over time"),
    "report_recommendations": ("dmf/report.html", "Recommendations"),
    "comparison": ("comparison.html", "Figures"),
}
# So many colors keep apart what is rare in a picture, such as a label's.
_MOST_HEIGHT, _COLORS = 900, 256
# So many pixels less, where no line of text or chart is cut then: where so many
# rows are of one color.
_ROOM, _GAP = 150, 8


def browser_command() -> str:
    """The path of the first browser found.

    Raises:
        SystemExit: There is none.
    """
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    sys.exit(f"no browser; allowed: one of {', '.join(BROWSERS)} on PATH")


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A browser that Playwright drives.

    Raises:
        SystemExit: There is none, or no Playwright.
    """
    command = browser_command()
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        sys.exit("no playwright; allowed: after pip install playwright")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=command, args=["--no-sandbox"]
        )
        try:
            yield opened
        finally:
            opened.close()


@contextlib.contextmanager
def page(
    opened: Any, address: str, width: int = 1280, colors: str = "light"
) -> Iterator[Any]:
    """A page whose charts are drawn.

    Args:
        opened: The browser.
        address: Of the page.
        width: Of the window, in pixels.
        colors: "light" or "dark".
    """
    found = opened.new_page(
        viewport={"width": width, "height": 900}, color_scheme=colors
    )
    found.goto(address)
    found.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every("
        "(each) => each.querySelector('svg') || each.closest('details'))"
    )
    try:
        yield found
    finally:
        found.close()


def ask(shown: Any) -> None:
    """Let a served model answer what is typed."""
    names = shown.locator("#modes button")
    names.first.wait_for()
    mode = next(each for each in ASKED if each in names.all_inner_texts())
    shown.locator("#input").fill(TYPED_ROW if mode == "recommend" else TYPED)
    shown.get_by_role("button", name=mode, exact=True).click()
    shown.locator("#answer h3").first.wait_for(timeout=120_000)


@contextlib.contextmanager
def served(run: pathlib.Path) -> Iterator[str]:
    """The address of a server of a run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "keras_textgen.serve", str(run)]
    with subprocess.Popen([*command, f"--port={port}"]) as server:
        try:
            while server.poll() is None:
                with contextlib.suppress(urllib.error.URLError):
                    urllib.request.urlopen(f"{address}/health")
                    break
                time.sleep(0.2)
            yield address
        finally:
            server.terminate()


def small_runs(folder: pathlib.Path) -> list[pathlib.Path]:
    """Train a small run of each kind of pages.

    Args:
        folder: For them.

    Returns:
        Their folders, and `folder`, which has a page that compares two.
    """
    for model, more in RUNS.items():
        train(model, folder / model, *more)
    other = folder / "dmf_seed_1"
    train("dmf", other, "--seed=1")
    _program(
        "--mode=report",
        f"--runs={folder / 'dmf'},{other}",
        f"--output={folder / 'comparison.html'}",
    )
    return [folder, *(folder / model for model in RUNS)]


def train(model: str, folder: pathlib.Path, *more: str) -> None:
    """Train one from its preset."""
    given = [f"--model={model}", f"--preset={model}_sotu", "--epochs=3"]
    _program(*given, f"--run_dir={folder}", *more)


def _program(*flags: str) -> None:
    command = [sys.executable, "-m", "keras_textgen", *flags]
    subprocess.run(command, check=True, cwd=ROOT)


def take(opened: Any, run: pathlib.Path, output: pathlib.Path) -> None:
    """Write pictures of all pages of a run, and of its server's.

    Args:
        opened: The browser.
        run: The folder of a run, or of pages alone.
        output: A folder for PNG files.

    Raises:
        SystemExit: There is no page.
    """
    files = sorted(run.glob("*.html"))
    if not files:
        sys.exit(f"{run}: no page; allowed: the folder of a finished run")
    for file in files:
        _take_all(opened, file.resolve().as_uri(), output, run.name, file.stem)
    if (run / "model.keras").is_file():
        with served(run) as address:
            _take_all(opened, address, output, run.name, "served")


def _take_all(
    opened: Any, address: str, output: pathlib.Path, run: str, name: str
) -> None:
    for device, width in WIDTHS.items():
        for colors in ("light", "dark"):
            picture = output / f"{run}_{name}_{device}_{colors}.png"
            with page(opened, address, width, colors) as shown:
                if name == "served":
                    ask(shown)
                shown.screenshot(path=picture, full_page=True)
            print(picture, flush=True)


def take_parts(opened: Any, folder: pathlib.Path, output: pathlib.Path) -> None:
    """Write the pictures that the documentation shows.

    Args:
        opened: The browser.
        folder: Of `small_runs`.
        output: A folder for PNG files.
    """
    for name, (file, title) in PARTS.items():
        with page(opened, (folder / file).resolve().as_uri()) as shown:
            part = shown.locator("section").filter(
                has=shown.get_by_role("heading", name=title, exact=True)
            )
            _write(part.first.screenshot(), output / f"{name}.png")
    for file in (
        "han/attention.html",
        "hsvae/sparsity.html",
        "sae/topics.html",
    ):
        with page(opened, (folder / file).resolve().as_uri()) as shown:
            name = pathlib.Path(file).stem
            _write(shown.screenshot(), output / f"{name}.png")
    with served(folder / "han") as address, page(opened, address) as shown:
        ask(shown)
        _write(shown.locator("body").screenshot(), output / "served_han.png")


def height_to_keep(pixels: np.ndarray) -> int:
    """Of a picture's top, where it ends.

    Args:
        pixels: [height, width, colors].

    Returns:
        Its height, or, where that is all that a window shows or more, that of
        the last gap between two lines, if there is one.
    """
    if len(pixels) < _MOST_HEIGHT:
        return len(pixels)
    end = pixels[_MOST_HEIGHT - _ROOM : _MOST_HEIGHT]
    plain = (end == end[:, :1]).all(axis=(1, 2))
    gaps = np.lib.stride_tricks.sliding_window_view(plain, _GAP).all(axis=1)
    return _MOST_HEIGHT - int(np.argmax(gaps[::-1]))


def _write(content: bytes, picture: pathlib.Path) -> None:
    """Write the top of a picture, in few colors, which makes it small."""
    from PIL import Image

    image = Image.open(io.BytesIO(content)).convert("RGB")
    image = image.crop((0, 0, image.width, height_to_keep(np.asarray(image))))
    image.quantize(_COLORS).save(picture, optimize=True)
    print(picture, flush=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=pathlib.Path)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--output", type=pathlib.Path)
    wanted.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    if options.docs and options.runs:
        parser.error("--docs with runs; allowed: without, of small ones")
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(browser())
        runs, folder = options.runs, None
        if not runs:
            folder = pathlib.Path(
                stack.enter_context(tempfile.TemporaryDirectory())
            )
            runs = small_runs(folder)
        output = options.output or ROOT / "docs" / "pictures"
        output.mkdir(parents=True, exist_ok=True)
        if options.docs:
            take_parts(opened, folder, output)
            return
        for run in runs:
            take(opened, run, output)


if __name__ == "__main__":
    main()
