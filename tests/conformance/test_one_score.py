"""A text has one score, whatever it is scored with, how often and by whom."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.models.exporting import export_model
from keras_textgen.models.text.lstm_vae_avg import LSTMVAEAVG
from keras_textgen.training.strategies import get_strategy
from tests.conformance.registry import (
    each_latent_model,
    each_model,
    made,
    model_case,
    tokens_of,
)

# All texts differ, but many only by a word or by their length.
LENGTHS = [4, 1, 0, 6, 2, 2, 5, 3, 1, 4, 2]
TOKENS = tokens_of(*LENGTHS).numpy()
NUM_TEXTS = len(LENGTHS)
WEIGHTING = {"num_samples": 5, "seed": 3}


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert_close(values, expected[name])


def scores(model, tokens):
    """All that is said of each text with the help of noise, [N] each."""
    tokens = tf.constant(tokens)
    found = dict(model(tokens))
    if model.has_prior:
        number, seed = WEIGHTING.values()
        found["log_likelihood"] = model.importance_weighted_bound(
            tokens, number, [model.seed, seed]
        )
    if isinstance(model, LSTMVAEAVG):
        found["single"] = model.single_latent_bound_of_tokens(tokens, [0, 1])
    return {name: values.numpy() for name, values in found.items()}


def without_padding(row):
    return row[np.newaxis, : np.count_nonzero(row)]


def rows_of(found, rows):
    return {name: values[rows] for name, values in found.items()}


@pytest.fixture(scope="module")
def expected():
    """The scores of each model, of all texts in one batch."""
    known = {}

    def of(case):
        if case.name not in known:
            known[case.name] = scores(made(case.name), TOKENS)
        return known[case.name]

    return of


@each_latent_model
def test_scores_are_of_the_text_alone(case, expected):
    model, whole = made(case.name), expected(case)
    order = np.random.default_rng(0).permutation(NUM_TEXTS)
    for rows in (order[:4], order[4:]):
        assert_same(scores(model, TOKENS[rows]), rows_of(whole, rows))
    wider = np.pad(TOKENS[:3], [(0, 0), (0, 5)])
    assert_same(scores(model, wider), rows_of(whole, slice(3)))
    alone = scores(model, without_padding(TOKENS[4]))
    assert_same(alone, rows_of(whole, [4]))


@each_latent_model
def test_reconstructions_are_of_the_text_alone(case):
    model = made(case.name)
    together = model.reconstruct_tokens(tf.constant(TOKENS)).numpy()
    for row in range(4):
        alone = model.reconstruct_tokens(without_padding(TOKENS[row])).numpy()
        assert without_padding(together[row]).tolist() == (
            without_padding(alone[0]).tolist()
        )


@each_model
def test_scoring_changes_no_variable(case):
    """But those of the metrics, which are none of the model's weights."""
    model = made(case.name)
    before = model.get_weights()
    model.predict_step(TOKENS)
    model.test_step(TOKENS)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value, err_msg=weight.path)


@each_latent_model
def test_samples_differ_by_text_number_and_seed(case):
    model = made(case.name)
    if not model.has_prior:
        return
    weights = model.log_importance_weights(TOKENS, 10, [1, 2]).numpy()
    assert len(np.unique(weights)) == weights.size
    fewer = model.log_importance_weights(TOKENS, 5, [1, 2])
    np.testing.assert_allclose(fewer, weights[:5], rtol=1e-5)
    others = model.log_importance_weights(TOKENS, 10, [1, 3])
    assert not np.intersect1d(others, weights).size


@each_latent_model
def test_blocks_of_samples_do_not_matter(case, expected, monkeypatch):
    if not made(case.name).has_prior:
        return
    for tokens_per_block in (1, 100):
        monkeypatch.setattr(
            "keras_textgen.models.text.latent_text_model._TOKENS_PER_BLOCK",
            tokens_per_block,
        )
        bound = made(case.name).importance_weighted_bound(
            tf.constant(TOKENS), 5, [0, WEIGHTING["seed"]]
        )
        assert_close(bound, expected(case)["log_likelihood"])


@each_latent_model
def test_the_first_sample_is_the_score(case, expected):
    """With one sample a text, log p(x | z) is one of `log_likelihood`."""
    model, whole = made(case.name), expected(case)
    if model.objective == "reference" or model.num_samples > 1:
        return
    noises, infer = [], model.infer
    try:
        model.infer = lambda features, noise: (
            noises.append(infer(features, noise)) or noises[-1]
        )
        weights = model.log_importance_weights(TOKENS, 1, [model.seed, 0])
    finally:
        del model.infer
    nll = -(weights[0] + noises[0].log_ratio)
    np.testing.assert_allclose(nll, whole["nll"], rtol=1e-5)


@each_latent_model
def test_noise_is_other_than_that_of_training(case, monkeypatch):
    """Not even the first step of training draws what evaluation draws."""
    model = case.make(word_keep_rate=1.0, dropout=0.0)
    model.train_steps.assign(0)
    training = model(TOKENS, training=True)["nll"]
    assert not np.intersect1d(training, model(TOKENS)["nll"]).size


# -- By eight threads, by a server, by two replicas ----------------------------

some_models = pytest.mark.parametrize("name", ["lstm_vae_avg", "hsvae"])


def uses(model):
    """What threads do at once."""
    return [
        lambda: model.predict(TOKENS, batch_size=3, verbose=0)["nll"],
        lambda: model.encode(TOKENS, batch_size=3),
        lambda: model.log_likelihood(TOKENS, **WEIGHTING, batch_size=3),
        lambda: np.array(model.generate(3, seed=5)),
    ]


@some_models
def test_eight_threads_at_once(name, expected):
    """From the start, when nothing is traced yet, and again."""
    case = model_case(name)
    functions = uses(case.make())
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(functions[i % 4]) for i in range(24)]
        found = [future.result() for future in futures]
    whole, model = expected(case), made(name)
    for nll, codes, log_likelihood, texts in zip(
        *(found[i::4] for i in range(4)), strict=True
    ):
        assert_close(nll, whole["nll"])
        assert_close(log_likelihood, whole["log_likelihood"])
        assert_close(codes, model.encode_tokens(TOKENS))
        assert texts.tolist() == found[3].tolist()
    assert found[3].tolist() == model.generate(3, seed=5)


@some_models
def test_served(name, expected, tmp_path):
    case = model_case(name)
    whole = expected(case)
    export_model(made(name), tmp_path)
    served = tf.saved_model.load(str(tmp_path))
    weighting = map(tf.constant, WEIGHTING.values())
    for rows in ([3, 1, 4], [4]):
        tokens = tf.constant(TOKENS[rows])
        found = {
            **served.score(tokens),
            **served.log_likelihood(tokens, *weighting),
        }
        assert_same(found, {key: whole[key][rows] for key in found})
        weighting = map(tf.constant, WEIGHTING.values())


@pytest.mark.slow
@some_models
def test_two_replicas(name, expected):
    case = model_case(name)
    rows = [row[row != 0].tolist() for row in TOKENS]
    batches = SequenceBatches(rows, 4, order="stream").evaluation_dataset()
    with get_strategy("mirrored").scope():
        model = case.make()
        model.compile()
    logs = model.evaluate(batches, verbose=0, return_dict=True)
    for key in ("nll", "kl"):
        mean = np.mean(expected(case)[key])
        assert logs[key] == pytest.approx(mean, rel=1e-5)
