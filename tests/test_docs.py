"""Runs the examples of the README and docs and checks their references."""

import doctest
import pathlib
import re
import shlex

import pytest

from keras_textgen.cli import settings
from keras_textgen.cli.parsers import Switch
from keras_textgen.cli.table import ALIASES

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)
# absl reads these before the flags of the program.
# Of the program, of the server, which is a program of its own, and of
# TensorFlow Serving.
OTHER_FLAGS = {"flagfile", "helpshort", "version", "host", "neighbors"}
OTHER_FLAGS |= {"enable_batching", "batching_parameters_file"}
PROGRAM = r"(?:python trainer\.py|python -m keras_textgen|keras-textgen)(?!\.)"
# A program of its own, with flags of its own.
CONVERTER = "python -m keras_textgen.convert "
PREPARER = "python -m keras_textgen.prepare "
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def fenced(page: str, language: str) -> str:
    """Returns a page with all lines outside such blocks left empty."""
    inside = False
    kept = []
    for line in (ROOT / page).read_text("utf-8").splitlines():
        if line.startswith("```"):
            inside = line == f"```{language}"
            line = ""
        kept.append(line if inside else "")
    return "\n".join(kept) + "\n"


PYTHON_PAGES = [page for page in PAGES if ">>>" in fenced(page, "pycon")]


def test_readme_has_examples():
    assert "README.md" in PYTHON_PAGES


@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_python_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(
        fenced(page, "pycon"), {}, page, page, 0
    )
    report = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES)
def test_relative_links(page):
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (ROOT / page).parent.joinpath(link).exists(), link


def test_tests_of_replayed_reports_exist():
    """Names of tests are of the file that is named before them."""
    page = (ROOT / "docs" / "replays.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)?(?:::)?(test_\w+)", page)
    assert len(named) > 40
    for path, name in named:
        if path:
            source = (ROOT / path).read_text("utf-8")
        assert f"def {name}(" in source, name


def test_every_file_of_a_run_is_on_its_page():
    """What the tasks name, and what the page of saved_models promises."""
    source = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "keras_textgen" / "tasks").glob("*.py")
    )
    files = set(re.findall(r'"(\w+\.(?:csv|html|npz))"', source))
    assert {"topics.html", "attention.html", "results.csv"} <= files
    page = (ROOT / "docs" / "running.md").read_text("utf-8")
    assert files <= set(re.findall(r"`(\w+\.\w+)`", page))


def test_commands_that_convert_are_understood(capsys):
    """The flags of their page are those of the program."""
    from keras_textgen.convert.__main__ import parser

    models, known = set(), set()
    for line in filter(None, fenced("docs/converting.md", "sh").splitlines()):
        arguments = shlex.split(line.removeprefix(CONVERTER))
        models.add(parser().parse_args(arguments).model)
    assert models == {"lstm_vae", "dmf", "sae", "hatt_rnn"}
    for model in models:
        with pytest.raises(SystemExit):
            parser().parse_args([model, "--help"])
        known |= set(re.findall(r"--([a-z_]+)", capsys.readouterr().out))
    text = (ROOT / "docs" / "converting.md").read_text("utf-8")
    named = set(re.findall(r"`--([a-z_]+)", text))
    assert {"vocabulary", "alpha"} <= named <= known


def test_commands_that_prepare_are_understood():
    """The flags of their page are those of the program, and Beam's."""
    from keras_textgen.prepare.__main__ import parser

    beam = r"--(runner|direct_\w+|flink_\w+|dask_\w+)="
    lines = [
        line.removeprefix(PREPARER)
        for line in fenced("docs/big_data.md", "sh").splitlines()
        if line.startswith(PREPARER)
    ]
    assert len(lines) > 2
    for line in lines:
        _, others = parser().parse_known_args(shlex.split(line))
        assert all(re.match(beam, each) for each in others), others
    known = {
        option.removeprefix("--")
        for action in parser()._actions
        for option in action.option_strings
    }
    page = (ROOT / "docs" / "big_data.md").read_text("utf-8")
    # Those of texts, and those of matrices.
    tables = re.findall(r"\| flag \|.*?\n\n", page, re.DOTALL)
    assert len(tables) == 2
    named = set(re.findall(r"`--([a-z_]+)", "".join(tables)))
    assert named == known - {"h", "-h", "help", "input", "output"}


# Those of programs of their own have tests of their own.
OTHER_PAGES = ("converting", "big_data")


@pytest.mark.parametrize(
    "page", [p for p in PAGES if not any(x in p for x in OTHER_PAGES)]
)
def test_flags_exist(page):
    text = (ROOT / page).read_text("utf-8")
    commands = re.findall(rf"{PROGRAM}.*", text)
    named = set(re.findall(r"`--([a-z_0-9]+)", text))
    named.update(re.findall(r"--([a-z_0-9]+)", " ".join(commands)))
    switched_off = {
        f"no{name}"
        for name, setting in settings.SETTINGS.items()
        if isinstance(setting.parser, Switch)
    }
    assert named - OTHER_FLAGS - switched_off <= {*settings.SETTINGS, *ALIASES}


@pytest.mark.parametrize("page", PAGES)
def test_training_commands_are_understood(page, tmp_path):
    for line in fenced(page, "sh").splitlines():
        # Other modes and flagfiles refer to a run that is not here.
        if re.match(PROGRAM, line) and not re.search(
            "--(helpshort|version|flagfile|mode=(?!sweep))", line
        ):
            line = re.sub(r"(--data_dir[= ])\S+", rf"\1{tmp_path}", line)
            line = re.sub(PROGRAM, "program", line)
            arguments = shlex.split(line, comments=True)
            settings.parse(arguments, ROOT / "flags")
