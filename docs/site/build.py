"""Builds the documentation as a site.

    pip install -e ".[docs]"
    python docs/site/build.py --output=site
    python -m http.server -d site    # browsers search no site of files

The pages are those of the repository, README.md first; they are laid out as
there, so that links from page to page, and to logs and recipes, hold. Three
kinds of pages are made: all flags, of the table of settings; public classes and
functions, of their docstrings; notebooks, of their cells and of what
docs/notebooks/run.py has kept of a run. A warning is an error.
"""

import argparse
import importlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from keras_textgen.cli.help import flags_by_heading

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What pages are, and what they link to.
STAGED = (
    "*.md",
    "LICENSE",
    "docs/**/*.md",
    "docs/**/*.png",
    "docs/notebooks/*.ipynb",
    "docs/results/**/*",
    *(f"benchmarks/**/*.{kind}" for kind in ("py", "log", "json")),
    "flags/*.flags",
    "saved_models/*.md",
    "saved_models/presets/*/*.md",
    "tools/*.py",
)
# Packages whose public names have pages, and what these are called.
API = {
    "keras_textgen": "Models, data, files",
    "keras_textgen.layers": "Layers",
    "keras_textgen.distributions": "Distributions",
    "keras_textgen.schedules": "Schedules",
    "keras_textgen.optimizers": "Optimizers",
    "keras_textgen.aquarium": "Tutorials of keras-aquarium",
}


def stage(folder: pathlib.Path) -> None:
    """Copy what the site is of, and write the pages that are made."""
    for pattern in STAGED:
        for path in ROOT.glob(pattern):
            if path.is_file():
                to = folder / path.relative_to(ROOT)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
    for page in folder.rglob("*.md"):
        page.write_text(with_pages(page.read_text("utf-8")), "utf-8")
    for path in ROOT.glob("docs/notebooks/*.ipynb"):
        page = (folder / path.relative_to(ROOT)).with_suffix(".md")
        page.write_text(notebook_page(path), "utf-8")
    (folder / "docs" / "flags.md").write_text(flags_page(), "utf-8")
    for package, title in API.items():
        page = folder / "docs" / "api" / f"{package}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(api_page(package, title), "utf-8")


def flags_page() -> str:
    """Every flag under its heading."""
    lines = ["# All flags", ""]
    for title, described in flags_by_heading().items():
        lines += [f"## {title}", ""]
        for head, text in described:
            lines += [f"`{head}`", f":   {escaped(text)}", ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for character in "\\<*_[`":
        text = text.replace(character, f"\\{character}")
    return text


def with_pages(text: str) -> str:
    """Markdown whose links to notebooks are to the pages made of them."""
    return re.sub(r"(\]\([^):]*)\.ipynb\)", r"\1.md)", text)


def notebook_page(path: pathlib.Path) -> str:
    """The cells of a notebook, each with what it has shown."""
    name = path.stem
    pictures = path.parent / "pictures"
    record = json.loads((pictures / f"{name}.json").read_text("utf-8"))
    pages = []
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            pages.append(with_pages(source))
            continue
        pages.append(f"```python\n{source}\n```")
        shown = record["shown"].get(str(number))
        if shown:
            pages.append(f"```text\n{shown.rstrip()}\n```")
        picture = f"{name}-{number}.png"
        if (pictures / picture).exists():
            pages.append(f"![The chart of these lines](pictures/{picture})")
    # After the title.
    pages[0] += (
        f"\n\nThis page is a notebook, [{name}.ipynb]({name}.ipynb "
        '"the file"): [how to open it](README.md).'
    )
    return "\n\n".join(pages) + "\n"


def api_page(package: str, title: str) -> str:
    """The docstrings of a package's public names."""
    lines = [f"# {title}: `{package}`", ""]
    for name, module in public_names(package).items():
        lines += [f"::: {module}.{name}", ""]
    return "\n".join(lines)


def public_names(package: str) -> Mapping[str, str]:
    """The modules of public names."""
    module = importlib.import_module(package)
    lazy = getattr(module, "_PUBLIC", None)
    if lazy is not None:
        return dict(sorted(lazy.items()))
    return {
        name: value.__module__
        for name, value in sorted(vars(module).items())
        if getattr(value, "__module__", None) == package
        and not name.startswith("_")
    }


def build(folder: pathlib.Path, output: pathlib.Path) -> int:
    """Let MkDocs build the site; its exit status."""
    settings = folder / "mkdocs.yml"
    shutil.copyfile(pathlib.Path(__file__).with_name("mkdocs.yml"), settings)
    command = [
        sys.executable,
        *("-m", "mkdocs", "build", "--strict", "--quiet"),
        f"--config-file={settings}",
        f"--site-dir={output.resolve()}",
    ]
    environment = {"NO_MKDOCS_2_WARNING": "1", **os.environ}
    return subprocess.run(command, env=environment).returncode


def main() -> int:
    """Build it.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pages = pathlib.Path(folder) / "pages"
        stage(pages)
        status = build(pathlib.Path(folder), options.output)
    if status == 0:
        print(f"Written to {options.output}: index.html")
    return status


if __name__ == "__main__":
    sys.exit(main())
