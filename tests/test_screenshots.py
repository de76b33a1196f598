"""Pictures of pages, by a browser where there is one."""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.browser import chromium, screenshots

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Black in the dark, red on a phone, and higher than the window.
PAGE = """<!doctype html>
<meta name="viewport" content="width=device-width"><style>
body { background: #fff; height: 1500px }
@media (max-width: 400px) { body { background: #f00 } }
@media (prefers-color-scheme: dark) { body { background: #000 } }
</style><p>A page."""


def call(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["screenshots.py", *map(str, arguments)])
    screenshots.main()


def test_a_picture_of_each_width_and_color(monkeypatch, tmp_path):
    with chromium():
        pass
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.html").write_text(PAGE, "utf-8")
    call(monkeypatch, run, f"--output={tmp_path / 'pictures'}")
    found = {}
    for path in (tmp_path / "pictures").iterdir():
        with Image.open(path) as picture:
            assert picture.height > 1500
            color = picture.convert("RGB").getpixel((5, 1400))
            found[path.stem] = (picture.width, color)
    light = {"phone": (255, 0, 0), "laptop": (255,) * 3, "desk": (255,) * 3}
    widths = {"phone": 390, "laptop": 1280, "desk": 1920}
    assert found == {
        f"run_report_{name}_{colors}": (
            width,
            light[name] if colors == "light" else (0, 0, 0),
        )
        for name, width in widths.items()
        for colors in ("light", "dark")
    }


def test_a_high_picture_ends_between_two_lines():
    pixels = np.zeros([2000, 4, 3], np.uint8)
    assert screenshots.height_to_keep(pixels) == 900
    pixels[850:, 1] = 255  # a line of text that would be cut
    assert screenshots.height_to_keep(pixels) == 850
    pixels[100:, 1] = 255  # a column as high as the picture
    assert screenshots.height_to_keep(pixels) == 900
    assert screenshots.height_to_keep(pixels[:880]) == 880
    pixels[:890] = 0
    assert screenshots.height_to_keep(pixels[:900]) == 890
    pixels[893:] = 0  # a gap within a letter
    pixels[895:, 1] = 255
    assert screenshots.height_to_keep(pixels) == 890


def test_what_is_refused(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit, match="no page; allowed: the folder of a"):
        screenshots.take(None, tmp_path, tmp_path)
    with pytest.raises(SystemExit):
        call(monkeypatch, tmp_path, "--docs")
    assert "--docs with runs; allowed: without" in capsys.readouterr().err


def test_no_browser(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="no browser; allowed: one of chrom"):
        screenshots.browser_command()


def test_the_pictures_of_the_documentation_are_there_and_shown():
    pictures = {
        path.stem for path in (ROOT / "docs" / "pictures").glob("*.png")
    }
    pages = (ROOT / "docs").glob("*.md")
    texts = "".join(page.read_text("utf-8") for page in pages)
    assert pictures == {
        *screenshots.PARTS, "attention", "sparsity", "topics", "served_han"
    }  # fmt: skip
    for name in pictures:
        assert f"](pictures/{name}.png)" in texts
