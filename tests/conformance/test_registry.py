"""No layer or model escapes the checks."""

from tests.conformance.other_models import OTHER_MODELS
from tests.conformance.registry import BASES, LAYERS, MODELS, package_classes

# What takes sparse vectors or functions, which the checks of layers do not
# make; these are checked with what they are parts of, and in tests/layers.
PARTS = {
    "Attention",
    "GPT2Block",
    "SparseLinear",
    "SparseRows",
    "Tower",
    "TransformerBlock",
}
# Models by other arguments, see tests/aquarium.
WRAPPERS = {"SoftmaxAutoEncoder"}


def test_every_layer_and_model_is_registered():
    registered = {type(case.make()).__name__ for case in LAYERS}
    registered |= {case.model.__name__ for case in MODELS}
    registered |= {type(case.make()).__name__ for case in OTHER_MODELS}
    defined = {each.__name__ for each in package_classes()}
    assert {"HDGM", "GaussianHead", "Vocabulary"} <= defined
    assert defined - registered - BASES - PARTS - WRAPPERS == set()


def test_names_are_unique():
    names = [case.name for case in [*LAYERS, *MODELS, *OTHER_MODELS]]
    assert len(set(names)) == len(names)
