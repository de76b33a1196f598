"""Sizes of all public layers: what is none is refused by name, at once."""

import inspect

import pytest

from keras_textgen import layers

# Of Keras, which has checks of its own; of models that others have trained.
_LEFT_OUT = ("GRU", "LSTM", "BertEncoder", "GPT2Decoder")


def sizes():
    for name in layers.__all__:
        if name in _LEFT_OUT:
            continue
        parameters = inspect.signature(getattr(layers, name)).parameters
        for each in parameters.values():
            if each.annotation is int:
                yield name, each.name


def required(parameters):
    """As few arguments as the layer needs, all of them good."""
    return {
        each.name: 4
        for each in parameters.values()
        if each.default is each.empty and each.annotation is int
    }


def test_there_are_some():
    assert len(list(sizes())) > 20


@pytest.mark.parametrize(("name", "size"), [*sizes()])
@pytest.mark.parametrize("value", [-1, 2.5, "4", None])
def test_what_is_no_size_is_refused(name, size, value):
    make = getattr(layers, name)
    given = required(inspect.signature(make).parameters) | {size: value}
    with pytest.raises(ValueError, match=f"^{size}=.*; allowed: whole numbers"):
        make(**given)
