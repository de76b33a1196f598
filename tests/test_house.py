"""The layout: imports point one way, and files are of a size to read."""

import ast
import importlib
import pathlib
import sys

import pytest

import keras_textgen
from keras_textgen.moved import MOVED

ROOT = pathlib.Path(keras_textgen.__file__).parent
# Each may import what stands before it or beside it.
LEVELS = (
    {"tokens", "checks", "lazy", "moved"},
    {"supported"},
    {"specs", "datasets"},
    {"cli"},
    {"private_gradients", "private_saving", "private_workers"},
    {"private_names"},
    {
        "noise",
        "replicas",
        "distributions",
        "layers",
        "objectives",
        "schedules",
        "optimizers",
        "decoding",
        "data",
    },
    {"evaluation", "serving"},
    {"models"},
    {"pages"},
    {"training"},
    {"tasks", "aquarium", "estimators"},
    {"convert", "prepare", "serve"},
    {"program"},
    {"__main__"},
)
LONGEST = 500


def modules():
    """Each module's name within the package and its syntax tree."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text("utf-8"))


TREES = dict(modules())


def imported(tree):
    """What a module imports of the package, lazily or not, as modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, inner = name.partition(".")
            if package != "keras_textgen":
                continue
            while inner and inner not in TREES:
                inner = inner.rpartition(".")[0]
            if inner:
                yield inner


IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}


def level(name):
    room = name.partition(".")[0]
    return next(i for i, rooms in enumerate(LEVELS) if room in rooms)


@pytest.mark.parametrize("name", sorted(filter(None, TREES)))
def test_imports_point_down(name):
    up = {other for other in IMPORTS[name] if level(other) > level(name)}
    assert not up


def test_there_is_no_circle():
    left = {name: set(others) for name, others in IMPORTS.items()}
    while left:
        free = {name for name, others in left.items() if not others & set(left)}
        assert free, f"in a circle or above one: {sorted(left)}"
        left = {name: left[name] for name in left if name not in free}


def test_files_are_short():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in ROOT.rglob("*.py")
    }
    assert not {name: n for name, n in lengths.items() if n > LONGEST}


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_path_gives_the_module_of_today(old):
    new = importlib.import_module(f"keras_textgen.{MOVED[old]}")
    spec = new.__spec__
    sys.modules.pop(f"keras_textgen.{old}", None)
    with pytest.warns(DeprecationWarning, match="has moved to") as warned:
        assert importlib.import_module(f"keras_textgen.{old}") is new
    assert f"keras_textgen.{old} has moved to " in str(warned[-1].message)
    assert new.__spec__ is spec
    assert new.__name__ == f"keras_textgen.{MOVED[old]}"
    # Of a path that is a public name, too, `import` has put the module in the
    # place of what bears the name.
    parent, _, name = f"keras_textgen.{old}".rpartition(".")
    if name in getattr(sys.modules[parent], "__all__", ()):
        del vars(sys.modules[parent])[name]


@pytest.mark.parametrize(
    "package",
    [
        "keras_textgen",
        "keras_textgen.layers",
        "keras_textgen.aquarium",
        "keras_textgen.distributions",
    ],
)
def test_public_names_are_there(package):
    module = importlib.import_module(package)
    # A second time, too, when their modules have been imported.
    for name in 2 * module.__all__:
        assert getattr(module, name).__name__ == name
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        _ = module.Nobody


def test_the_page_on_migration_lists_what_moved():
    page = (ROOT.parent / "docs" / "migration.md").read_text("utf-8")
    rows = {
        tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
        for line in page.partition("| old | new |")[2].splitlines()
        if line.startswith("| `")
    }
    assert rows == set(MOVED.items())


@pytest.mark.parametrize("folder", ["benchmarks", "tools", "docs"])
def test_programs_import_what_is_there(folder):
    """Within functions, too, which no test may call."""
    for path in sorted((ROOT.parent / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith(
                keras_textgen.__name__
            ):
                exec(ast.unparse(node), {})
