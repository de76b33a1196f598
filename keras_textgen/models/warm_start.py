"""Beginning with the weights of a model that is trained already."""

import copy
from collections.abc import Hashable, Sequence
from typing import Any

import keras
import numpy as np

from keras_textgen.checks import refused
from keras_textgen.layers.towers import SparseRows
from keras_textgen.models import aggressive_encoder
from keras_textgen.tokens import SPECIALS

# Arguments of constructors that name what stands along an axis of some weights.
_LISTS = ("vocabulary", "label_names", "row_ids", "col_ids")
# Of some, the tables that have a row or a column for each name.
_TABLES = {
    "row_ids": (("seen", "num_rows"), ("row_features", "num_rows")),
    "col_ids": (("seen", "num_columns"), ("col_features", "num_rows")),
}
_NEW_NAME = "\N{BLACK STAR}" * 9


def start_from(
    model: keras.Model, trained: keras.Model
) -> dict[str, tuple[int, int]]:
    """Give a model the weights of a trained one of the same sizes.

    What belongs to a word, a class, a row or a column that both have moves with
    it; what belongs to one that is new stays as it was made. Counters of steps
    stay, too: schedules begin anew.

    Args:
        model: To be trained; of other words, classes or ids, maybe.
        trained: Of the same class and sizes.

    Returns:
        Of "vocabulary", "label_names", "row_ids" and "col_ids", where the model
        has them: how many are known to the trained one, and how many there are.

    Raises:
        ValueError: If their classes or sizes differ.

    Example:
        >>> from keras_textgen import SentenceVAE, Vocabulary
        >>> trained = SentenceVAE(Vocabulary(["red", "rose"]), rnn_units=4)
        >>> model = SentenceVAE(Vocabulary(["rose", "thorn"]), rnn_units=4)
        >>> start_from(model, trained)
        {'vocabulary': (1, 2)}
    """
    if type(model) is not type(trained):
        raise refused(
            f"a {type(trained).__name__} for a {type(model).__name__}",
            "a model of the same class",
        )
    kept = {
        name: _rows(_names(model, name), _names(trained, name))
        for name in _LISTS
        if _names(model, name)
    }
    own, theirs = _own_weights(model), _own_weights(trained)
    if len(own) != len(theirs):
        raise refused(
            f"{len(own)} weights for the trained model's {len(theirs)}",
            "a model of the same settings, and features",
        )
    values = [
        _moved(weight, old, [kept.get(name) for name in axes])
        for weight, old, axes in zip(
            own, theirs, _axes(model, list(kept)), strict=True
        )
    ]
    for weight, value in zip(own, values, strict=True):
        weight.assign(value)
    return {name: _count(_names(model, name), kept[name]) for name in kept}


def _count(names: Sequence[Hashable], rows: np.ndarray) -> tuple[int, int]:
    """How many names are known, and how many there are; no special tokens."""
    known = [
        row >= 0
        for name, row in zip(names, rows, strict=True)
        if name not in SPECIALS
    ]
    return int(sum(known)), len(known)


def _own_weights(model: keras.Model) -> list[keras.Variable]:
    """The weights that are no data and no state of a remedy.

    Data are features, and what is `seen`.
    """
    data = {
        id(weight)
        for layer in vars(model).values()
        if isinstance(layer, SparseRows)
        for weight in layer.weights
    }
    return [
        weight
        for weight in model.weights
        if id(weight) not in data
        and not weight.name.startswith(aggressive_encoder.STATE)
    ]


def _names(model: keras.Model, name: str) -> Sequence[Hashable]:
    """The words, classes or ids of a model; none where it has none."""
    names = getattr(model, name, None)
    if name == "vocabulary" and names is not None:
        words = names.get_vocabulary()
        # Columns of bags are words alone, without the special tokens.
        return words[-getattr(model, "num_words", len(words)) :]
    return names or ()


def _rows(names: Sequence[Hashable], trained: Sequence[Hashable]) -> np.ndarray:
    """Where each name stands in the trained model, -1 where it does not."""
    places = {name: place for place, name in enumerate(trained)}
    return np.array([places.get(name, -1) for name in names])


def _axes(model: keras.Model, lists: Sequence[str]) -> list[list[str | None]]:
    """Of each weight, which list its axes follow; None for a fixed size.

    Such an axis is longer by one in a model of one name more.
    """
    own = _own_weights(model)
    axes: list[list[str | None]] = [
        [None] * len(weight.shape) for weight in own
    ]
    for name in lists:
        config = _with_one_more(model, name)
        larger = _own_weights(type(model).from_config(config))
        for found, weight, other in zip(axes, own, larger, strict=True):
            for axis, size in enumerate(weight.shape):
                if other.shape[axis] != size:
                    found[axis] = name
    return axes


def _with_one_more(model: keras.Model, name: str) -> dict[str, Any]:
    config = copy.deepcopy(model.get_config())
    if name == "vocabulary":
        larger = model.vocabulary.one_larger(_NEW_NAME)
        config[name] = keras.saving.serialize_keras_object(larger)
        if config.get("num_words") is not None:
            config["num_words"] += 1
    else:
        config[name] = [*config[name], _NEW_NAME]
    for table, size in _TABLES.get(name, ()):
        if config[table] is not None:
            config[table]["config"][size] += 1
    return config


def _moved(
    new: keras.Variable, old: keras.Variable, rows: list[np.ndarray | None]
) -> np.ndarray:
    """The value of a weight: the trained one's, where names are known."""
    value, trained = np.array(new.numpy()), old.numpy()
    if not np.issubdtype(trained.dtype, np.floating):
        return value
    here, there = [], []
    for axis, kept in enumerate(rows):
        if kept is not None:
            here.append(np.flatnonzero(kept >= 0))
            there.append(kept[kept >= 0])
        elif value.shape[axis] == trained.shape[axis]:
            here.append(np.arange(value.shape[axis]))
            there.append(here[-1])
        else:
            raise refused(
                f"{new.path}: {list(value.shape)} for the trained model's "
                f"{list(trained.shape)}",
                "the sizes of the trained model",
            )
    value[np.ix_(*here)] = trained[np.ix_(*there)]
    return value
