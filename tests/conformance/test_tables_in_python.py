"""Tables of pandas, pyarrow and Hugging Face give what their columns give."""

import keras
import numpy as np
import pytest

import keras_textgen
from keras_textgen.data.frames import frame_of
from keras_textgen.data.vocabulary import Vocabulary

TEXTS = [f"a {word} rose" for word in ("red", "blue", "wild", "red") * 3]
LABELS = [number % 2 for number in range(12)]
TABLE = {
    "id": [*range(12)],
    "text": TEXTS,
    "label": LABELS,
    "user": [f"u{number % 3}" for number in range(12)],
    "item": [f"i{number % 4}" for number in range(12)],
    "rating": [1.0 + number % 5 for number in range(12)],
}
NAMES = ("thorn", "rose")


class ClassLabel:
    names = NAMES


class Dataset:
    """What Hugging Face's `Dataset` has of it that is asked for."""

    def __init__(self, columns):
        self._columns = columns
        self.column_names = [*columns]
        self.features = {"label": ClassLabel(), "text": object()}
        self.asked = set()

    def __len__(self):
        return len(self._columns["id"])

    def __getitem__(self, name):
        self.asked.add(name)
        return self._columns[name]


class DatasetDict(dict):
    """Its datasets by split."""

    @property
    def column_names(self):
        return {split: each.column_names for split, each in self.items()}


def pandas_table(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def arrow_table(columns):
    reason = "pyarrow is not installed"
    return pytest.importorskip("pyarrow", reason=reason).table(columns)


KINDS = {"datasets": Dataset, "pandas": pandas_table, "pyarrow": arrow_table}


def text_model():
    vocabulary = Vocabulary.from_texts(TEXTS)
    sizes = {"embedding_dim": 3, "rnn_units": 4, "latent_dim": 2}
    return keras_textgen.LSTMVAE(vocabulary, seed=1, **sizes)


def classifier(label_names=NAMES):
    return keras_textgen.HierarchicalAttentionNetwork(
        Vocabulary.from_texts(TEXTS),
        label_names,
        embedding_dim=3,
        rnn_units=2,
        attention_units=2,
        seed=1,
    )


def factors():
    return keras_textgen.DualMatrixFactorization(
        row_ids=["u0", "u1", "u2"],
        col_ids=["i0", "i1", "i2", "i3"],
        row_dim=2,
        col_dim=2,
        row_layers=[],
        col_layers=[],
        fields=("user", "item", "rating"),
        seed=1,
    )


MODELS = {
    "text": (text_model, (TEXTS,), {"text"}),
    "documents": (classifier, (TEXTS, LABELS), {"text", "label"}),
    "matrices": (
        factors,
        ({name: TABLE[name] for name in ("user", "item", "rating")},),
        {"user", "item", "rating"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_a_table_is_its_columns(kind):
    make, columns, names = MODELS[kind]
    table = Dataset(TABLE)
    found = []
    for data in ((table,), columns):
        model = make()
        arguments = {"batch_size": 4, "verbose": 0}
        history = model.fit(*data, validation_split=0.25, **arguments)
        predicted = model.predict(data[0], **arguments)
        found.append((history.history, keras.tree.flatten(predicted)))
    (history, predicted), (expected_history, expected) = found
    assert history == expected_history
    for each, other in zip(predicted, expected, strict=True):
        np.testing.assert_array_equal(each, other)
    # Nothing else is read of it.
    assert table.asked == names


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_columns_of_every_kind(make):
    table = make(TABLE)
    frame = frame_of(table)
    assert list(frame) == list(TABLE)
    for name in TABLE:
        assert list(frame[name]) == TABLE[name]
    for kind, (model, (x, *y), _) in MODELS.items():
        found, labels = model().from_frame(frame, None)
        if kind == "matrices":
            assert {name: list(found[name]) for name in x} == x
        else:
            assert list(found) == x
        if y and kind == "documents":
            by_number = dict(enumerate(NAMES)) | {name: name for name in NAMES}
            given = [by_number[label] for label in labels]
            assert given == [NAMES[label] for label in LABELS]


def test_names_of_classes_are_those_of_the_table():
    table = Dataset(TABLE)
    x, y = classifier(NAMES[::-1]).from_frame(frame_of(table), None)
    assert x == TEXTS
    assert y == [NAMES[label] for label in LABELS]
    # Those of another language leave the numbers.
    _, y = classifier(("Dorn", "Rose")).from_frame(frame_of(table), None)
    assert y == LABELS


def test_a_column_of_a_matrix_that_is_not_there():
    table = Dataset({"id": [1], "user": ["u0"]})
    with pytest.raises(
        ValueError, match="no column 'item' in the data; there are id, user; a"
    ):
        factors().fit(table, verbose=0)


def test_columns_that_cannot_be_told():
    model = text_model()
    for data, message in (
        (Dataset({"id": [1], "poem": ["a rose"]}), "columns id, poem; allowed"),
        (
            DatasetDict(train=Dataset(TABLE)),
            r"of train; allowed: .*\['train'\]",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(data, verbose=0)


@pytest.mark.parametrize(
    "data", [["a"], np.zeros([2, 3]), {"text": ["a"]}, None, Dataset]
)
def test_what_is_no_table(data):
    assert frame_of(data) is None
