"""What is installed: the wheel, an editable installation, a bare clone."""

import importlib.metadata
import importlib.resources
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import keras_textgen
from keras_textgen.cli import recipes
from keras_textgen.cli.settings import RunError
from keras_textgen.specs import SPECS

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = sorted(path.name for path in (ROOT / "flags").glob("*.flags"))
SOURCES = ("keras_textgen", "flags", ".ci", "docs", "tests", "saved_models")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a wheel, an editable wheel and an sdist of a copy."""
    copy = tmp_path_factory.mktemp("copy")
    rubbish = shutil.ignore_patterns("__pycache__", "results")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=rubbish)
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith(".git"):
            shutil.copy(path, copy)
    # As pip builds, but with the setuptools that is here: no network.
    for kind in ("wheel", "editable", "sdist"):
        subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-c",
                "from setuptools import build_meta\n"
                f"build_meta.build_{kind}('{kind}')",
            ],
            cwd=copy,
            check=True,
            capture_output=True,
        )
    return copy


def only(folder, pattern):
    (path,) = folder.glob(pattern)
    return path


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """What pip would make of the wheel: it holds Python alone."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(only(built, "wheel/*.whl")) as wheel:
        wheel.extractall(folder)
    return folder


def run(*arguments, path, cwd):
    """Python in a folder, with nothing but `path` of this project."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )


def test_the_recipes_of_the_wheel_are_those_of_the_folder(site):
    folder = site / "keras_textgen" / "recipes"
    assert sorted(path.name for path in folder.glob("*.flags")) == NAMES
    assert len(NAMES) >= 28
    for name in NAMES:
        here = (ROOT / "flags" / name).read_bytes()
        assert (folder / name).read_bytes() == here, name


def test_the_presets_of_the_wheel_are_those_of_the_folder(site):
    here, there = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.glob("*/*")
            if path.parent.name != "__pycache__"
        }
        for folder in (
            ROOT / "saved_models" / "presets",
            site / "keras_textgen" / "presets",
        )
    )
    assert here == there
    assert len(here) >= 4 * len(SPECS)


def test_the_wheel_holds_the_package_alone(site):
    top = {path.name for path in site.iterdir()}
    version = keras_textgen.__version__
    assert top == {"keras_textgen", f"keras_textgen-{version}.dist-info"}
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "keras_textgen").rglob("*.py")
    }
    there = {path.relative_to(site).as_posix() for path in site.rglob("*.py")}
    assert there == modules | {
        "keras_textgen/recipes/__init__.py",
        "keras_textgen/presets/__init__.py",
    }
    assert (site / "keras_textgen" / "py.typed").is_file()


def test_metadata(site):
    (found,) = importlib.metadata.distributions(path=[str(site)])
    assert found.version == keras_textgen.__version__
    metadata = found.metadata
    assert metadata["Name"] == "keras-textgen"
    assert metadata["Summary"]
    assert "text generation" in metadata["Keywords"]
    pythons = SpecifierSet(metadata["Requires-Python"])
    assert [f"3.{minor}" for minor in range(20) if f"3.{minor}" in pythons] == [
        each.rpartition(" ")[2]
        for each in metadata.get_all("Classifier")
        if each.startswith("Programming Language :: Python :: 3.")
    ]
    # Every dependency has a lower end, which is tested, and an upper one; what
    # others are measured beside is one release.
    for requirement in map(Requirement, found.requires):
        operators = sorted(each.operator for each in requirement.specifier)
        is_peer = 'extra == "benchmark"' in str(requirement.marker)
        assert operators == (["=="] if is_peer else ["<", ">="]), requirement
    (script,) = found.entry_points.select(group="console_scripts")
    assert (script.name, script.value) == (
        "keras-textgen",
        "keras_textgen.__main__:main",
    )


def test_the_installed_program_in_an_empty_folder(site, tmp_path):
    module = ["-m", "keras_textgen"]
    done = run(*module, "--version", path=site, cwd=tmp_path)
    version = f"keras-textgen {keras_textgen.__version__}\n"
    assert (done.stdout, done.stderr) == (version, "")
    done = run(*module, "--helpshort", path=site, cwd=tmp_path)
    assert done.stdout.startswith("usage: python -m keras_textgen [--flag")
    # As pip's script calls it.
    script = (
        "import importlib.metadata, sys\n"
        "sys.argv[0] = '/usr/bin/keras-textgen'\n"
        f"(found,) = importlib.metadata.distributions(path=[{str(site)!r}])\n"
        "(script,) = found.entry_points\n"
        "sys.exit(script.load()())"
    )
    done = run("-c", script, "--epochs=0", path=site, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "keras-textgen: error: --epochs=0: must be a whole number of at "
        "least 1\n"
    )
    assert list(tmp_path.iterdir()) == []


FIND = (
    "from keras_textgen.cli.recipes import find_recipes\nprint(find_recipes())"
)

# The tests themselves may run in an editable installation of another folder.
FORGET = """
import sys
for name in [name for name in sys.modules if name.startswith("__editable__")]:
    del sys.modules[name]
sys.meta_path[:] = [
    finder
    for finder in sys.meta_path
    if not getattr(finder, "__module__", "").startswith("__editable__")
]
"""


def test_where_recipes_are_found(site, built, tmp_path):
    done = run("-c", FIND, path=site, cwd=tmp_path)
    assert done.stdout == f"{site / 'keras_textgen' / 'recipes'}\n"
    done = run("-c", FIND, path=ROOT, cwd=tmp_path)
    assert done.stdout == f"{ROOT / 'flags'}\n"
    # An editable installation; Python reads its .pth in a folder of packages.
    editable = tmp_path / "editable"
    with zipfile.ZipFile(only(built, "editable/*.whl")) as wheel:
        wheel.extractall(editable)
    code = (
        f"{FORGET}import site\nsys.path.insert(0, {str(editable)!r})\n"
        f"site.addsitedir({str(editable)!r})\n{FIND}\n"
        "import importlib.resources\n"
        "print(importlib.resources.files('keras_textgen.recipes'))"
    )
    done = run("-c", code, path=tmp_path, cwd=tmp_path)
    assert done.stdout == f"{built / 'flags'}\n" * 2, done.stderr


def test_missing_recipes_are_an_error(site, tmp_path):
    partial = shutil.copytree(site, tmp_path / "partial")
    shutil.rmtree(partial / "keras_textgen" / "recipes")
    done = run("-m", "keras_textgen", path=partial, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "python -m keras_textgen: error: no recipes, such as "
        f"hdgm_sotu.flags, in {partial / 'flags'} or "
        f"{partial / 'keras_textgen' / 'recipes'}; allowed: a whole clone, or "
        "a whole installation of keras-textgen\n"
    )


def test_recipes_elsewhere(monkeypatch, tmp_path):
    """A folder of that name without the recipe of the main job is another."""
    package = tmp_path / "keras_textgen"
    monkeypatch.setattr(importlib.resources, "files", lambda _: package)
    (tmp_path / "flags").mkdir()
    with pytest.raises(RunError, match="no recipes"):
        recipes.find_recipes()
    (tmp_path / "flags" / "hdgm_sotu.flags").touch()
    assert recipes.find_recipes() == tmp_path / "flags"


def test_the_sdist_holds_what_a_wheel_is_built_of(built):
    with tarfile.open(only(built, "sdist/*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"flags/{name}" for name in [*NAMES, "__init__.py"]} <= names
    assert {"trainer.py", "README.md", "LICENSE", ".ci/run"} <= names
    assert "saved_models/README.md" in names


def test_git_keeps_the_page_on_runs_and_no_run():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/saved_models/*" in ignored
    assert "!/saved_models/README.md" in ignored
    assert (ROOT / "saved_models" / "README.md").is_file()
