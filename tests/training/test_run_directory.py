"""Whose a folder is, and that files in it are whole."""

import contextlib
import subprocess
import sys

import pytest

from keras_textgen.cli import settings
from keras_textgen.training import run_directory
from keras_textgen.training.run_directory import RunDirectory


def parse(tmp_path, *arguments):
    return settings.parse(["trainer.py", *arguments], tmp_path)


@pytest.fixture
def started(tmp_path):
    """A folder with the settings of a run."""
    directory = RunDirectory(tmp_path / "run")
    with directory.claimed():
        directory.write_flags(parse(tmp_path, "--epochs=3"))
        yield directory


def test_new_folder_and_same_settings_are_accepted(tmp_path, started):
    RunDirectory(tmp_path / "new").check(parse(tmp_path))
    started.check(parse(tmp_path, "--epochs=3"))


def test_more_epochs_are_accepted_and_written(tmp_path, started):
    more = parse(tmp_path, "--epochs=4")
    started.check(more)
    started.write_flags(more)
    assert "--epochs=4\n" in started.flags_file.read_text()


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (["--epochs=2"], "--epochs=3, not --epochs=2"),
        (["--epochs=3", "--seed=1"], "--seed=0, not --seed=1"),
        (
            ["--epochs=3", "--latent_dim=8"],
            "--latent_dim=default, not --latent_dim=8",
        ),
        (["--epochs=3", "--model=vae"], "--model=hdgm, not --model=vae"),
    ],
)
def test_another_run_is_refused(tmp_path, started, arguments, difference):
    with pytest.raises(settings.RunError) as error:
        started.check(parse(tmp_path, *arguments))
    assert str(error.value) == (
        f"{started.path}: the run there has {difference}; "
        "go on with the same flags, or choose another --run_dir"
    )


@pytest.mark.parametrize("mode", ["evaluate", "generate", "export", "report"])
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("precision", "default", "bfloat16"),
        ("tracker", "tensorboard", "mlflow"),
        ("distribution_strategy", "none", "mirrored"),
        ("checkpoint_seconds", "60.0", "5.0"),
        ("epochs", "3", "4"),
    ],
)
def test_what_only_training_heeds_is_refused_elsewhere(
    tmp_path, started, mode, name, old, new
):
    given = [f"--mode={mode}", f"--run_dir={started.path}"]
    started.check(parse(tmp_path, *given))
    with pytest.raises(settings.RunError) as error:
        started.check(parse(tmp_path, *given, f"--{name}={new}"))
    assert f"the run there has --{name}={old}, not --{name}={new}; " in str(
        error.value
    )


def test_what_trains_may_change_where_it_is_trained_further(tmp_path, started):
    started.check(
        parse(
            tmp_path,
            "--epochs=3",
            "--precision=bfloat16",
            "--checkpoint_seconds=5",
            "--distribution_strategy=mirrored",
        )
    )


def test_settings_of_a_call_may_differ(tmp_path, started):
    started.check(
        parse(tmp_path, "--epochs=3", "--sampling_temperature=0.5", "--top_k=9")
    )


def test_data_may_move(tmp_path):
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    directory = RunDirectory(tmp_path / "run")
    ptb = ["--dataset=ptb", f"--run_dir={directory.path}"]
    with directory.claimed():
        directory.write_flags(
            parse(tmp_path, *ptb, f"--data_dir={tmp_path / 'before'}")
        )
    (tmp_path / "before").rmdir()
    directory.check(parse(tmp_path, *ptb, f"--data_dir={tmp_path / 'after'}"))
    directory.check(parse(tmp_path, *ptb, "--mode=generate"))
    with pytest.raises(settings.RunError, match="no such file or folder"):
        parse(tmp_path, *ptb, "--mode=evaluate")


def test_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letters.txt").write_text("dear reader\n")
    with pytest.raises(settings.RunError, match="not the folder of a run"):
        RunDirectory(tmp_path).check(parse(tmp_path))
    with pytest.raises(settings.RunError, match="not a folder"):
        RunDirectory(tmp_path / "letters.txt").check(parse(tmp_path))


def test_folder_that_a_kill_left_before_the_flags_is_accepted(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    with directory.claimed():
        run_directory.unfinished(directory.flags_file).write_text("--ep")
    directory.check(parse(tmp_path))


def test_damaged_flags_are_refused(tmp_path, started):
    started.flags_file.write_text("--epochs=3\n--seed=\n")
    with pytest.raises(settings.RunError, match=r"flags\.txt: --seed="):
        started.check(parse(tmp_path, "--epochs=3"))


def test_a_second_process_is_refused(started):
    code = (
        "import sys\n"
        "from keras_textgen.training.run_directory import RunDirectory\n"
        "from keras_textgen.cli.settings import RunError\n"
        "try:\n"
        "    with RunDirectory(sys.argv[1]).claimed():\n"
        "        print('claimed')\n"
        "except RunError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(started.path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        f"{started.path}: another process is writing there; wait for it, "
        "or choose another --run_dir\n"
    )


def test_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(settings.RunError, match="cannot be written"):
        RunDirectory(tmp_path / "file" / "run").claimed().__enter__()


def test_unfinished_files_are_removed(tmp_path):
    directory = RunDirectory(tmp_path / "run")
    directory.last_checkpoints.mkdir(parents=True)
    run_directory.unfinished(directory.model_file).write_text("half")
    run_directory.unfinished(directory.export).mkdir()
    versions = [directory.export_of(version) for version in (1, 2)]
    versions[0].mkdir(parents=True)
    run_directory.unfinished(versions[1]).mkdir()
    stale = directory.last_checkpoints / "ckpt-1.data-00000.tempstate123"
    stale.write_text("half")
    whole = directory.last_checkpoints / "ckpt-1.index"
    whole.write_text("")
    with directory.claimed():
        names = {path.name for path in directory.path.iterdir()}
    assert names == {".lock", "checkpoint", "export"}
    assert list(directory.export.iterdir()) == versions[:1]
    assert list(directory.last_checkpoints.iterdir()) == [whole]


def test_write_whole_keeps_the_old_file_on_failure(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    run_directory.write_whole(path, "old\n")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_directory.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        run_directory.write_whole(path, "new\n")
    assert path.read_text() == "old\n"


def test_a_saved_model_does_not_take_the_place_of_versions(tmp_path, started):
    same = ["--epochs=3"]
    for version in ("2", "10"):
        folder = started.export / version
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").touch()
    with pytest.raises(settings.RunError) as error:
        started.check(parse(tmp_path, *same))
    assert str(error.value) == (
        f"{started.export}: holds versions 2, 10, which a SavedModel without a "
        "version would replace; allowed: --export_version=N, of a new version "
        "or one to replace"
    )
    # Another version is no other run, and evaluation writes none.
    started.check(parse(tmp_path, *same, "--export_version=2"))
    evaluation = ["--mode=evaluate", f"--run_dir={started.path}"]
    started.check(parse(tmp_path, *evaluation))


def test_versions_stand_beside_a_saved_model_without_one(tmp_path, started):
    started.export.mkdir()
    (started.export / "saved_model.pb").touch()
    started.check(parse(tmp_path, "--epochs=3"))
    started.check(parse(tmp_path, "--epochs=3", "--export_version=1"))


def test_move_into_place_replaces_a_folder(tmp_path):
    export = tmp_path / "export"
    for content in ("one", "two"):
        fresh = run_directory.unfinished(export)
        fresh.mkdir()
        (fresh / content).write_text(content)
        run_directory.move_into_place(export)
        assert [path.name for path in export.iterdir()] == [content]
    assert list(tmp_path.iterdir()) == [export]


@pytest.mark.parametrize(
    ("before", "after", "is_refused"),
    [
        ("float16", "float16", False),
        ("float16", "bfloat16", True),
        ("float16", None, True),
        ("float32", "float16", True),
        (None, "float16", True),
        (None, "bfloat16", False),
        ("bfloat16", "float32", False),
    ],
)
def test_float16_is_gone_on_with_in_float16(
    tmp_path, before, after, is_refused
):
    directory = RunDirectory(tmp_path)
    # A new run may have any.
    directory.check_precision(after)
    spelled = before or "default"
    directory.flags_file.write_text(f"--model=vae\n--precision={spelled}\n")
    refusal = pytest.raises(
        settings.RunError, match="the run there has --precision="
    )
    with refusal if is_refused else contextlib.nullcontext():
        directory.check_precision(after)
