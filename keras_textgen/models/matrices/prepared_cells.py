"""Cells of a dataset's batches: raw ids to numbers, inside the graph."""

from typing import Any

import tensorflow as tf

from keras_textgen.checks import refused
from keras_textgen.data.batches.cells import Batch
from keras_textgen.data.id_checks import asserted
from keras_textgen.models.raw_data import weights_of_batch


def prepared_cells(
    model: Any, batch: dict[str, tf.Tensor], values: tf.Tensor | None
) -> Batch:
    """Cells by their numbers.

    Args:
        model: With `fields`, `feedback`, `shape`, `row_numbers` and
            `col_numbers`.
        batch: "row" and "column", integers (numbers) or strings (raw ids), or
            the columns `model.fields` with raw ids. The rest is kept.
        values: float [batch], or None where they are in the batch, or where
            none are needed.

    Returns:
        "row", "column" int32 [batch], "value" and "weight" float32 [batch],
        and what else the batch has.

    Raises:
        ValueError: The batch has no such columns, or values twice.
        tf.errors.InvalidArgumentError: A number that is not there, an unknown
            id, or a value that the feedback cannot be learnt from.
    """
    if not isinstance(batch, dict):
        raise refused(
            f"batches of {type(batch).__name__}",
            "dictionaries with the columns "
            f"{', '.join(map(repr, model.fields))}",
        )
    rest = dict(batch)
    if values is not None and _pop(rest, "value", model.fields[2]) is not None:
        raise refused("y beside batches that hold their values", "one of them")
    if values is None:
        values = _pop(rest, "value", model.fields[2])
    numbers = {}
    for name, field, size, lookup in zip(
        ("row", "column"),
        model.fields,
        model.shape,
        (model.row_numbers, model.col_numbers),
        strict=False,
    ):
        ids = _pop(rest, name, field)
        if ids is None:
            raise refused(
                f"no column {field!r} among {', '.join(map(repr, batch))}",
                "batches that have it",
            )
        if ids.shape.rank not in (None, 1):
            raise refused(f"{field!r} of shape {ids.shape}", "batches [batch]")
        is_raw = field in batch and field != name
        numbers[name] = _numbers(name, ids, size, lookup, is_raw)
    if values is None:
        values = tf.zeros(tf.shape(numbers["row"]))
    values = _checked_values(model.feedback, tf.cast(values, tf.float32))
    weights = weights_of_batch(rest.pop("weight", tf.ones_like(values)))
    return {**numbers, "value": values, "weight": weights, **rest}


def _pop(batch: dict[str, tf.Tensor], *names: str) -> tf.Tensor | None:
    """The column of one of these names, taken out."""
    found = [batch.pop(name) for name in dict.fromkeys(names) if name in batch]
    return found[0] if found else None


def _checked_values(feedback: str, values: tf.Tensor) -> tf.Tensor:
    """Values that are not refused in memory; 0 is that of drawn cells, too."""
    rules = {
        "a value that is not finite; allowed: finite numbers": (
            tf.math.is_finite(values)
        )
    }
    if feedback == "implicit":
        rules["a value below 0 with feedback=implicit; allowed: above 0"] = (
            values >= 0
        )
    return asserted(values, rules)


def _numbers(
    name: str, ids: tf.Tensor, size: int, lookup: Any, is_raw: bool
) -> tf.Tensor:
    if is_raw and ids.dtype.is_integer:
        ids = tf.strings.as_string(ids)
    if ids.dtype == tf.string:
        numbers = lookup(ids)
        return asserted(
            numbers,
            {f"an unknown id of a {name}; allowed: known": numbers >= 0},
        )
    if not ids.dtype.is_integer:
        raise refused(f"{name} of type {ids.dtype.name}", "integers or strings")
    numbers = tf.cast(ids, tf.int32)
    rule = f"a {name} outside of the matrix; allowed: 0 to {size - 1}"
    return asserted(numbers, {rule: (numbers >= 0) & (numbers < size)})
