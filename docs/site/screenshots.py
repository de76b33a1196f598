"""Takes pictures of the pages that runs end with.

    python docs/site/screenshots.py saved_models/sae_sotu --output=pictures

A picture of each page of each run, as wide as a phone and as a laptop, in
light colors and in dark ones; needs Chromium or Chrome. Look at them after a
change of a page: text that overlaps is seen at once.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

WIDTHS = {"phone": 390, "laptop": 1280}
HEIGHT = 2400
# What a page waits for before it has drawn its charts.
PATIENCE_MS = 8000
BROWSERS = ("chromium", "google-chrome", "chrome")


def browser() -> str:
    """The command of the first browser found.

    Raises:
        SystemExit: There is none.
    """
    for name in BROWSERS:
        if shutil.which(name):
            return name
    sys.exit(f"no browser; allowed: one of {', '.join(BROWSERS)} on PATH")


def take(
    command: str,
    page: pathlib.Path,
    picture: pathlib.Path,
    width: int,
    is_dark: bool,
) -> None:
    """Write a picture of a page.

    Args:
        command: Of the browser.
        page: An HTML file.
        picture: PNG to write.
        width: Of the window, in pixels.
        is_dark: Whether the browser asks for dark colors.
    """
    options = [
        "--headless=new",
        "--no-sandbox",
        "--hide-scrollbars",
        f"--window-size={width},{HEIGHT}",
        f"--virtual-time-budget={PATIENCE_MS}",
        f"--screenshot={picture.resolve()}",
    ]
    if is_dark:
        options.append("--blink-settings=preferredColorScheme=0")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                command,
                *options,
                f"--user-data-dir={profile}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
        )


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    options = parser.parse_args()
    command = browser()
    options.output.mkdir(parents=True, exist_ok=True)
    for run in options.runs:
        pages = sorted(run.glob("*.html"))
        if not pages:
            sys.exit(f"{run}: no page; allowed: the folder of a finished run")
        for page in pages:
            for name, width in WIDTHS.items():
                for colors in ("light", "dark"):
                    picture = options.output / (
                        f"{run.name}_{page.stem}_{name}_{colors}.png"
                    )
                    take(command, page, picture, width, colors == "dark")
                    print(picture, flush=True)


if __name__ == "__main__":
    main()
