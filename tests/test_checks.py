"""What is refused, and in which words."""

import ast
import re

import numpy as np
import pytest

from keras_textgen.checks import (
    SIZES,
    SWITCHES,
    Lists,
    Numbers,
    OneOf,
    WholeNumbers,
    check,
    refused,
)
from tests.test_house import TREES


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (
            SIZES,
            [1, np.int64(7), np.array(3), 10**30],
            [0, -1, 1.0, np.float32(2), "1", None, [1], float("nan")],
        ),
        (WholeNumbers(-2, 2), [-2, 0, 2], [-3, 3, 0.5]),
        (
            Numbers(at_least=0, below=1),
            [0, 0.0, np.float32(0.5), 1 - 1e-9],
            [-1e-9, 1, "0.5", None, float("nan"), float("inf"), [0.5, 0.5]],
        ),
        (Numbers(above=0), [1e-300, 1e300], [0, -0.0, float("inf")]),
        (Numbers(above=0, at_most=1), [1, True], [0, 1.0000001]),
        (Numbers(above=0), [3], [b"3", np.array([3.0, 4.0])]),
        (OneOf(("a", 2)), ["a", 2], ["b", "", None, "2", np.array(["a", "b"])]),
        (SWITCHES, [True, 0, np.bool_(True)], ["no", "False", "", None, 2, []]),
        (Lists("words"), [["a"], (), {"a"}, np.array(["a"])], ["a", b"a", 3]),
    ],
)
def test_what_is_inside(allowed, inside, outside):
    assert all(value in allowed for value in inside)
    assert not any(value in allowed for value in outside)
    for value in outside:
        with pytest.raises(ValueError, match=r"^name=") as error:
            check(allowed, name=value)
        assert str(error.value).endswith(f"; allowed: {allowed}")
    check(allowed, **{f"name {i}": value for i, value in enumerate(inside)})


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        (WholeNumbers(0), "whole numbers, 0 or more"),
        (WholeNumbers(-1, 5), "whole numbers, -1 to 5"),
        (Numbers(at_least=0), "numbers, 0 or more"),
        (Numbers(at_least=0, at_most=1), "numbers, 0 or more, at most 1"),
        (Numbers(above=0.5, below=1), "numbers above 0.5, below 1"),
        (OneOf([1, 2]), "1, 2"),
        (SWITCHES, "True, False"),
        (Lists("words"), "a list of words"),
    ],
)
def test_the_wording(allowed, text):
    assert str(allowed) == text
    assert str(refused("given", allowed)) == f"given; allowed: {text}"


def test_the_first_wrong_value_is_named():
    with pytest.raises(ValueError, match=r"^b=0; allowed: whole numbers, 1"):
        check(SIZES, a=1, b=0, c=0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros([2, 2]), "[[0. 0.] [0. 0.]]"),
        ("a\nb", r"'a\nb'"),
        (["x" * 500], f"['{'x' * 198}..."),
        ("y" * 500, f"'{'y' * 199}..."),
    ],
)
def test_a_refusal_is_one_line_whatever_is_refused(value, shown):
    with pytest.raises(ValueError, match=r"^name=") as error:
        check(WholeNumbers(1), name=value)
    assert (
        str(error.value) == f"name={shown}; allowed: whole numbers, 1 or more"
    )


# The command line has words of its own.
OTHERS = ("cli.",)


def test_nobody_words_a_refusal_himself():
    for module, tree in TREES.items():
        if module == "checks" or module.startswith(OTHERS):
            continue
        own = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Raise) and "ValueError" in ast.dump(node)
        ]
        assert not own, module


# A place-holder before a plural, within f-strings.
_PLURAL = re.compile(
    r"\{([^{}]*)\} (?:(?!(?:of|has|with\w*|across) )[a-z]+ )?(?:sequence|text|"
    r"shard|file|record|document|word|label|column|row|topic|step|epoch|trial|"
    r"run|sample|dimension|code|token|character|byte|field|value|line|seed|"
    r"parameter|layer)s\b"
)
# Of these, what stands for no single number.
_NO_NUMBERS = (
    "' and '.join(map(str, counts))",
    "len(SPECIALS)",
    "max_length",
    "matrix.dtype",
)


def test_a_number_has_the_noun_that_fits():
    """As `counted` writes it."""
    found = [
        f"{module}: {place[1]}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for place in _PLURAL.finditer(ast.unparse(node))
        if place[1] not in _NO_NUMBERS
    ]
    assert found == []
