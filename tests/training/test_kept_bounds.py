"""Bounds that outlive the process, by what they belong to."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.evaluation.report import evaluate_model
from keras_textgen.training.kept_bounds import KeptBounds
from tests.models.tiny_models import SEQUENCES, lstm_vae

SAMPLES = 3


@pytest.fixture(scope="module")
def model():
    model = lstm_vae()
    model.compile("sgd")
    return model


@pytest.fixture
def batches():
    return SequenceBatches(SEQUENCES, batch_size=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bounds.npz"


def test_values_come_back_for_the_same_work_only(path, model, batches):
    values = np.array([-1.5, np.nan, np.nan])
    KeptBounds(path, model, batches, SAMPLES, seconds=0).store(values)
    again = KeptBounds(path, model, batches, SAMPLES)
    np.testing.assert_array_equal(again.restored(3), values)
    assert np.isnan(again.restored(4)).all()
    for other in (
        KeptBounds(path, model, batches, SAMPLES + 1),
        KeptBounds(path, model, SequenceBatches(SEQUENCES[1:], 1), SAMPLES),
        KeptBounds(path, lstm_vae(seed=1), batches, SAMPLES),
    ):
        assert np.isnan(other.restored(3)).all()


def test_other_weights_are_other_work(path, batches):
    model = lstm_vae()
    KeptBounds(path, model, batches, SAMPLES).store(np.zeros(3))
    weight = model.trainable_weights[0]
    weight.assign(weight + 0.01)
    assert np.isnan(KeptBounds(path, model, batches, SAMPLES).restored(3)).all()


def test_a_damaged_file_is_no_loss(path, model, batches):
    kept = KeptBounds(path, model, batches, SAMPLES)
    kept.store(np.zeros(3))
    path.write_bytes(path.read_bytes()[:100])
    assert np.isnan(kept.restored(3)).all()


def test_files_are_written_at_times_and_at_the_end(path, model, batches):
    kept = KeptBounds(path, model, batches, SAMPLES, seconds=3600)
    kept.store(np.array([-1.0, np.nan]))
    assert not path.exists()
    kept.store(np.array([-1.0, -2.0]))
    assert path.exists()


def test_an_evaluation_goes_on_where_it_was_killed(
    path, model, batches, monkeypatch
):
    whole = evaluate_model(model, batches, SAMPLES)
    calls = []
    log_likelihood = model.log_likelihood

    def killed(tokens, *args, **kwargs):
        calls.append(tokens)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return log_likelihood(tokens, *args, **kwargs)

    monkeypatch.setattr(model, "log_likelihood", killed)

    def evaluate():
        kept = KeptBounds(path, model, batches, SAMPLES, seconds=0)
        return evaluate_model(model, batches, SAMPLES, kept_bounds=kept)

    with pytest.raises(KeyboardInterrupt):
        evaluate()
    name = "importance_weighted_bound"
    assert evaluate()[name] == pytest.approx(whole[name], rel=1e-6)
    # The first of three was not computed twice, and in a third evaluation
    # none is.
    assert len(calls) == 4
    assert evaluate()[name] == pytest.approx(whole[name], rel=1e-6)
    assert len(calls) == 4
    assert len({tf.shape(tokens)[1].numpy() for tokens in calls}) == 3
