"""Pictures of pages, by a browser where there is one."""

import importlib.util
import pathlib
import shutil
import struct

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = """<!doctype html><style>
body { background: #fff } @media (prefers-color-scheme: dark)
{ body { background: #000 } }</style><p>A page."""


@pytest.fixture(scope="module")
def screenshots():
    path = ROOT / "docs" / "site" / "screenshots.py"
    spec = importlib.util.spec_from_file_location("screenshots", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(screenshots, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["screenshots.py", *map(str, arguments)])
    screenshots.main()


@pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("google-chrome")),
    reason="no Chromium",
)
def test_a_picture_of_each_width_and_color(screenshots, monkeypatch, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.html").write_text(PAGE, "utf-8")
    call(screenshots, monkeypatch, run, f"--output={tmp_path / 'pictures'}")
    widths = {}
    for picture in (tmp_path / "pictures").iterdir():
        (widths[picture.stem],) = struct.unpack(
            ">I", picture.read_bytes()[16:20]
        )
    assert widths == {
        f"run_report_{name}_{colors}": width
        for name, width in {"phone": 390, "laptop": 1280}.items()
        for colors in ("light", "dark")
    }
    light, dark = (
        (tmp_path / "pictures" / f"run_report_phone_{colors}.png").read_bytes()
        for colors in ("light", "dark")
    )
    assert light != dark


def test_a_folder_without_pages(screenshots, monkeypatch, tmp_path):
    monkeypatch.setattr(screenshots, "browser", lambda: "none")
    with pytest.raises(SystemExit, match="no page; allowed: the folder of a"):
        call(screenshots, monkeypatch, tmp_path, f"--output={tmp_path / 'p'}")


def test_no_browser(screenshots, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="no browser; allowed: one of chrom"):
        screenshots.browser()
