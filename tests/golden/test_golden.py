"""Files of earlier commits load, and say and learn what they did."""

import pytest

from tests.golden import kept

FILES = [file for folder in kept.folders() for file in kept.files(folder)]
CHANGES = [
    pytest.param(folder, key, id=f"{folder.name}-{key}")
    for folder in kept.folders()
    for key in kept.read_changes(folder)
]


def of_parts(*parts):
    return [
        pytest.param(file, part, id=f"{file.parent.name}-{file.stem}-{part}")
        for file in FILES
        for part in kept.parts_of(file)
        if part in parts
    ]


def check(file, part):
    expected = kept.expected_values(file, part)
    assert expected
    found = kept.evaluated(file, part)
    assert not kept.differences(found, expected)


@pytest.mark.parametrize(("file", "part"), of_parts("model", "run"))
def test_values(file, part):
    check(file, part)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "part"), of_parts("served"))
def test_served_values(file, part):
    check(file, part)


@pytest.mark.parametrize(("folder", "key"), CHANGES)
def test_changes_are_changes_and_have_a_reason(folder, key):
    changes = kept.read_changes(folder)
    change = changes[key]
    assert change["reason"].endswith(".")
    assert change["values"]
    for case, entries in change["values"].items():
        (file,) = (each for each in kept.files(folder) if each.stem == case)
        old = kept.old_values(file)
        for name, entry in entries.items():
            assert not kept.same(entry["value"], old[name]), (case, name)
            # Where two reasons meet, `record` writes the value of both.
            assert list(kept.entries(changes, case, name)) == [key]
