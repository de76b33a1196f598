"""Which seeds models and their methods take."""

import re

import numpy as np
import pytest

from tests.models.tiny_models import WORDS, lstm_lm, lstm_vae

LIMITS = f"allowed: whole numbers, {-(2**63)} to {2**63 - 1}"


def test_seeds_of_numpy_are_those_of_python():
    texts = [
        lstm_vae(seed=seed).generate(5, seed=of_texts)
        for seed, of_texts in ((3, 4), (np.int64(3), np.uint8(4)))
    ]
    assert texts[0] == texts[1]
    assert type(lstm_vae(seed=np.int64(3)).get_config()["seed"]) is int


@pytest.mark.parametrize("seed", [1.5, "3", np.float64(2.0), 2**63])
def test_what_is_no_seed_of_a_model(seed):
    message = f"^seed={re.escape(repr(seed)[-24:])}; {LIMITS}$"
    if not isinstance(seed, str):
        message = f"^seed={re.escape(str(seed))}; {LIMITS}$"
    with pytest.raises(ValueError, match=message):
        lstm_lm(seed=seed)


@pytest.mark.parametrize("seed", [None, 1.5, 2**63])
def test_what_is_no_seed_of_noise(seed):
    message = f"^seed={seed}; {LIMITS}$"
    with pytest.raises(ValueError, match=message):
        lstm_lm().generate(2, seed=seed)
    with pytest.raises(ValueError, match=message):
        lstm_vae().log_likelihood(WORDS[:1], num_samples=1, seed=seed)
    with pytest.raises(ValueError, match=message):
        lstm_vae(averages=True).single_latent_bound(WORDS[:1], seed=seed)


def test_all_bits_of_a_seed_make_a_difference():
    model = lstm_vae()
    seeds = [0, 2**40, 2**41, -(2**40), 2**31, 2**63 - 1]
    bounds = [
        float(model.log_likelihood(WORDS[:1], num_samples=1, seed=seed)[0])
        for seed in seeds
    ]
    assert len(set(bounds)) == len(seeds)
