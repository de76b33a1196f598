"""The table of docs/keras.md is that of the tests."""

import importlib
import pathlib
import runpy

import pytest

ROOT = pathlib.Path(__file__).parent.parent
TOOL = ROOT / "tools" / "keras_table.py"
if not TOOL.is_file():
    pytest.skip("not in a source tree", allow_module_level=True)
tool = runpy.run_path(str(TOOL))
FILES = tool["FILES"]


def parametrization():
    """The models that each test takes, by the words of its row."""
    for file in FILES:
        module = importlib.import_module(f"tests.conformance.{file}")
        for name, test in vars(module).items():
            for mark in getattr(test, "pytestmark", []):
                if mark.name == "parametrize" and mark.args[0] == "case":
                    row = name.removeprefix("test_").replace("_", " ")
                    yield row, [each.id for each in mark.args[1]]


def committed():
    text = (ROOT / "docs" / "keras.md").read_text("utf-8")
    _, _, rest = text.partition(tool["BEGIN"])
    table, end, _ = rest.partition(tool["END"])
    assert end
    for line in table.strip().splitlines():
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_table_is_of_the_tests():
    (_, *models), _, *rows = committed()
    expected = dict(parametrization())
    assert [row for row, *_ in rows] == list(expected)
    assert set(models) == set(expected["the config is json"])
    for row, *cells in rows:
        for model, cell in zip(models, cells, strict=True):
            assert cell in ("yes", "refused", "-") or cell.startswith("needs")
            if model not in expected[row]:
                assert cell == "-"


def test_no_file_of_tests_is_left_out():
    files = (ROOT / "tests" / "conformance").glob("test_keras_*.py")
    assert {file.stem for file in files} == set(FILES)


def report(folder, *cases):
    path = folder / "report.xml"
    path.write_text(f"<testsuite>{''.join(cases)}</testsuite>", "utf-8")
    return path


def case(name, inside="", file=FILES[0]):
    classname = f"tests.conformance.{file}"
    return (
        f'<testcase classname="{classname}" name="{name}">{inside}</testcase>'
    )


REFUSED = '<properties><property name="cell" value="refused"/></properties>'


@pytest.fixture
def two_tests(tmp_path, monkeypatch):
    """A file with two tests, of which the second has two parameters."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tests" / "conformance"
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / f"{file}.py").write_text("def test_other(): 0\n", "utf-8")
    (folder / f"{FILES[0]}.py").write_text(
        "def test_b_c(case): 0\ndef test_a(case, method): 0\n", "utf-8"
    )
    return tmp_path


def test_cells_are_what_tests_have_said(two_tests):
    path = report(
        two_tests,
        case("test_b_c[han]"),
        case("test_b_c[sae]", REFUSED),
        case("test_a[fit-han]"),
        case("test_a[predict-han]"),
        case("test_a[fit-dmf]", "<skipped/>"),
        case("test_b_c[dmf]", "<skipped/>"),
        case("test_else[x]", file="test_saving"),
    )
    assert tool["table"]([path]).splitlines() == [
        "| | han | sae | dmf |",
        "|---|---|---|---|",
        "| b c | yes | refused | - |",
        "| a | yes | - | - |",
    ]


def test_what_reports_leave_out_stays(two_tests):
    before = "| | han | sae |\n|---|---|---|\n| b c | refused | yes |\n"
    path = report(two_tests, case("test_b_c[han]"), case("test_a[dmf]"))
    assert tool["table"]([path], before).splitlines() == [
        "| | han | sae | dmf |",
        "|---|---|---|---|",
        "| b c | yes | yes | - |",
        "| a | - | - | yes |",
    ]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([case("test_b_c[han]")], "test_a is not in the reports"),
        ([case("test_a[fit-han]", "<failure/>")], r"test_a\[fit-han\] has fa"),
    ],
)
def test_a_table_is_written_of_a_whole_run_alone(two_tests, cases, message):
    with pytest.raises(SystemExit, match=message):
        tool["table"]([report(two_tests, *cases)])
