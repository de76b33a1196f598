"""The site has every page, flag and public name."""

import importlib.util
import pathlib
import re

import pytest

from keras_textgen.cli.table import SETTINGS

ROOT = pathlib.Path(__file__).resolve().parents[1]
SITE = ROOT / "docs" / "site"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build", SITE / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages_in_nav():
    nav = (SITE / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    return set(re.findall(r": (\S+\.md)$", nav, re.MULTILINE))


def test_every_page_has_its_place(build, tmp_path):
    build.stage(tmp_path)
    pages = {
        path.relative_to(tmp_path).as_posix()
        for folder in (".", "docs", "docs/models", "docs/notebooks", "docs/api")
        for path in (tmp_path / folder).glob("*.md")
    }
    assert pages == pages_in_nav()


def test_every_flag_is_on_its_page(build):
    page = build.flags_page()
    found = set(re.findall(r"^`--(?:\[no\])?(\w+)", page, re.MULTILINE))
    assert found == SETTINGS.keys()


@pytest.mark.parametrize("package", ["keras_textgen", "keras_textgen.layers"])
def test_every_public_name_is_on_a_page(build, package):
    page = build.api_page(package, "title")
    module = importlib.import_module(package)
    found = re.findall(r"^::: (\S+)\.(\w+)$", page, re.MULTILINE)
    assert [name for _, name in found] == sorted(module.__all__)
    assert ("keras_textgen.models.text.hdgm", "HDGM") in found or (
        package != "keras_textgen"
    )
