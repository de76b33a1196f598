"""What masking gives back, beside scores without the mask."""

import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers import vocabulary
from tests.models.sparse_reference import hsvae
from tests.models.tiny_models import (
    SEQUENCES,
    hdgm,
    lstm_lm,
    lstm_vae,
    padded,
)

PATH = pathlib.Path(__file__).parents[1] / "docs" / "results"
AVERAGED = {"averages": True, "num_samples": 2}


@pytest.fixture(scope="module")
def unused():
    spec = importlib.util.spec_from_file_location(
        "unused_mass", PATH / "unused_mass.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.unused


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (lstm_lm, {}),
        (lstm_vae, {"num_samples": 2}),
        (lstm_vae, AVERAGED),
        (hdgm, {}),
        (hsvae, {}),
    ],
    ids=["lstm_lm", "lstm_vae", "lstm_vae_avg", "hdgm", "hsvae"],
)
def test_difference_to_scores_without_mask(make, settings, unused, monkeypatch):
    tokens = padded(SEQUENCES)
    masked = make(**settings)(tokens)["nll"]
    with monkeypatch.context() as old:
        old.setattr(
            vocabulary,
            "without_tokens",
            lambda scores, _: tf.convert_to_tensor(scores),
        )
        unmasked = make(**settings)(tokens)["nll"]
    figures = unused(make(**settings), [tokens])
    assert figures.nats == pytest.approx(np.mean(unmasked - masked), rel=1e-4)
    assert 0.05 < figures.mass < 0.5


def test_mass_is_that_of_each_token(unused):
    model = lstm_lm()
    model.output_layer.kernel.assign(0 * model.output_layer.kernel)
    model.output_layer.bias.assign(np.log([3, 1, 2, 1, 1, 1, 1, 1, 1, 8]))
    figures = unused(model, [padded(SEQUENCES[:2]), padded(SEQUENCES[2:])])
    assert figures.mass == pytest.approx(5 / 20)
    mean_length = (5 + 2 + 4) / 3
    assert figures.nats == pytest.approx(-mean_length * np.log(15 / 20))
