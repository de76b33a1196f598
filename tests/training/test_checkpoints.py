"""Checkpoints: round trip, damage, and numbers that are not finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.cli.settings import RunError
from keras_textgen.training import checkpoints
from keras_textgen.training.checkpoints import Progress, RunCheckpoints
from keras_textgen.training.run_directory import RunDirectory

INPUTS = tf.constant([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]])
TARGETS = tf.reduce_sum(INPUTS, axis=1, keepdims=True)


def new_run(path, units=4):
    model = keras.Sequential(
        [
            keras.layers.Input([2]),
            keras.layers.Dense(units, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), loss="mse", run_eagerly=True)
    return RunCheckpoints(RunDirectory(path), model, Progress(corpus=77))


def train(run, steps):
    for _ in range(steps):
        run.model.train_on_batch(INPUTS, TARGETS)


def state(run):
    variables = [
        *run.model.variables,
        *run.model.optimizer.variables,
        *run._metric_variables,
        *run.progress.variables().values(),
    ]
    return [variable.numpy() for variable in variables]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def truncate(path, size=100):
    with open(path, "r+b") as file:
        file.truncate(size)


@pytest.fixture
def saved(tmp_path):
    """A run with checkpoints after 2 and 3 steps, and its state after 3."""
    run = new_run(tmp_path)
    train(run, 2)
    run.save_last(2)
    before = state(run)
    train(run, 1)
    run.progress.advance_to(1, 3)
    run.save_last(3)
    return run, before


def test_round_trip_of_weights_optimizer_progress_and_metrics(saved, tmp_path):
    run, _ = saved
    again = new_run(tmp_path)
    assert again.restore_last()
    again.model.reset_metrics()  # As Keras does when an epoch begins.
    again.restore_metrics()
    assert_same(state(run), state(again))
    progress = again.progress
    assert (int(progress.epoch), int(progress.step)) == (1, 3)


def test_training_goes_on_as_if_never_interrupted(saved, tmp_path):
    run, _ = saved
    again = new_run(tmp_path)
    again.restore_last()
    again.restore_metrics()
    for each in (run, again):
        train(each, 3)
    assert_same(state(run), state(again))


def test_without_checkpoints_nothing_is_restored(tmp_path):
    run = new_run(tmp_path)
    before = state(run)
    assert not run.restore_last()
    assert not run.restore_best()
    assert_same(before, state(run))


def test_two_last_checkpoints_are_kept(saved):
    run, _ = saved
    run.save_last(4)
    names = [
        path.name
        for path in checkpoints.newest_first(run.directory.last_checkpoints)
    ]
    assert names == ["ckpt-4", "ckpt-3"]


def test_best_has_its_own_weights_and_record(tmp_path):
    run = new_run(tmp_path)
    run.progress.best_loss.assign(5.0)
    run.save_best(1)
    best = [weight.numpy() for weight in run.model.weights]
    train(run, 2)
    run.save_last(3)
    assert run.restore_best()
    assert_same(best, [weight.numpy() for weight in run.model.weights])
    assert float(run.progress.best_loss) == 5.0


@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_last_checkpoint_gives_way_to_the_one_before(
    saved, tmp_path, capsys, part, damage
):
    _, before = saved
    folder = RunDirectory(tmp_path).last_checkpoints
    path = folder / f"ckpt-3.{part}"
    if damage == "truncated":
        truncate(path)
    elif damage == "changed":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    else:
        path.unlink()
    again = new_run(tmp_path)
    assert again.restore_last()
    again.restore_metrics()
    assert_same(before, state(again))
    if (part, damage) != ("index", "missing"):
        assert capsys.readouterr().out == (
            f"{folder / 'ckpt-3'}: damaged checkpoint, left aside\n"
        )


def test_damaged_state_file_of_the_folder_is_no_obstacle(saved, tmp_path):
    run, _ = saved
    truncate(RunDirectory(tmp_path).last_checkpoints / "checkpoint", 10)
    again = new_run(tmp_path)
    assert again.restore_last()
    again.restore_metrics()
    assert_same(state(run), state(again))


def test_no_whole_checkpoint_is_refused_and_nothing_deleted(saved, tmp_path):
    folder = RunDirectory(tmp_path).last_checkpoints
    for path in folder.glob("*.data*"):
        truncate(path)
    names = sorted(path.name for path in folder.iterdir())
    with pytest.raises(RunError) as error:
        new_run(tmp_path).restore_last()
    assert str(error.value) == (
        f"{folder}: every checkpoint is damaged; put a copy back, or "
        "choose another --run_dir to begin anew"
    )
    assert sorted(path.name for path in folder.iterdir()) == names


def test_checkpoint_of_another_model_is_refused(saved, tmp_path):
    with pytest.raises(RunError, match="not a checkpoint of this model"):
        new_run(tmp_path, units=5).restore_last()


def test_weights_that_are_not_finite_are_never_saved(saved, tmp_path):
    run, _ = saved
    weight = run.model.trainable_weights[0]
    weight.assign(tf.fill(weight.shape, np.nan))
    names = sorted(path.name for path in tmp_path.rglob("*"))
    for save in (run.save_last, run.save_best):
        with pytest.raises(RunError, match="not a finite number after step 3"):
            save(4)
    assert sorted(path.name for path in tmp_path.rglob("*")) == names


def test_failure_to_write_is_one_line(tmp_path):
    for error in (
        OSError(28, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "disk\nfull"),
    ):
        with (
            pytest.raises(RunError, match=r"cannot be written \(.*\)") as seen,
            checkpoints.writing(tmp_path / "file"),
        ):
            raise error
        assert "\n" not in str(seen.value)
