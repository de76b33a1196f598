"""No layer or model escapes the checks."""

from tests.conformance.registry import BASES, LAYERS, MODELS, package_classes


def test_every_layer_and_model_is_registered():
    registered = {type(case.make()).__name__ for case in LAYERS}
    registered |= {case.model.__name__ for case in MODELS}
    defined = {each.__name__ for each in package_classes()}
    assert {"HDGM", "GaussianHead", "Vocabulary"} <= defined
    assert defined - registered - BASES == set()


def test_names_are_unique():
    names = [case.name for case in [*LAYERS, *MODELS]]
    assert len(set(names)) == len(names)
