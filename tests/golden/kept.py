"""The kept files, their old values, and the values that changed since."""

import json
import pathlib
from typing import Any

from keras_textgen.models.loading import load_model
from tests.golden import cases
from tests.golden.values import (
    Values,
    run_values,
    same,
    served_values,
    values_of,
)

HERE = pathlib.Path(__file__).parent
# By the reason's key: "reason", a sentence, and "values", by case and name.
Changes = dict[str, dict[str, Any]]


def folders() -> list[pathlib.Path]:
    """One a commit that files were kept of."""
    return sorted(path.parent for path in HERE.glob("*/changes"))


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The models and runs of a commit."""
    return sorted([*folder.glob("*.keras"), *folder.glob("*.zip")])


def parts_of(file: pathlib.Path) -> tuple[str, ...]:
    """The parts that a file has values of."""
    if file.suffix == ".zip":
        return ("run",)
    return ("model", "served") if file.stem in cases.SERVED else ("model",)


def evaluated(file: pathlib.Path, part: str) -> Values:
    """A part's values with the code as it stands."""
    if part == "run":
        return run_values(file.stem.removesuffix("_run"), file)
    model = load_model(file)
    return served_values(model) if part == "served" else values_of(model)


def old_values(file: pathlib.Path, part: str | None = None) -> Values:
    """A part's values, or all, as the commit gave them."""
    values = json.loads(file.with_suffix(".json").read_text("utf-8"))
    return {
        name: value
        for name, value in values.items()
        if part is None or name.startswith("served/") == (part == "served")
    }


def expected_values(file: pathlib.Path, part: str) -> Values:
    """A part's values: old ones, or new ones where a change is recorded."""
    changes = read_changes(file.parent)
    values = old_values(file, part)
    for name in values:
        for entry in entries(changes, file.stem, name).values():
            values[name] = entry["value"]
    return values


def differences(found: Values, expected: Values) -> list[str]:
    """What is not as expected; values that are not expected may be there."""
    return [
        f"{name}: {found.get(name)}; expected: {value}"
        for name, value in expected.items()
        if not same(found.get(name), value)
    ]


# -- Changes -------------------------------------------------------------------


def read_changes(folder: pathlib.Path) -> Changes:
    """The changes by the keys of their reasons."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("changes/*.json"))
    }


def write_changes(folder: pathlib.Path, changes: Changes) -> None:
    """Write a file a reason; a reason without values has none."""
    for key, change in changes.items():
        path = folder / "changes" / f"{key}.json"
        change["values"] = {
            case: values for case, values in change["values"].items() if values
        }
        if change["values"]:
            path.write_text(as_json(change, depth=3), "utf-8")
        else:
            path.unlink(missing_ok=True)


def entries(changes: Changes, case: str, name: str) -> dict[str, dict]:
    """What is recorded of a value, by reason; one entry at most is right."""
    return {
        key: change["values"][case][name]
        for key, change in changes.items()
        if name in change["values"].get(case, {})
    }


def as_json(value: Any, depth: int = 1, indent: int = 0) -> str:
    """JSON, with a line for everything below so many levels."""
    if not depth or not isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False)
        return text if indent else f"{text}\n"
    space = " " * (indent + 1)
    lines = [
        f"{space}{json.dumps(key)}: {as_json(each, depth - 1, indent + 1)}"
        for key, each in value.items()
    ]
    text = "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    return text if indent else f"{text}\n"
