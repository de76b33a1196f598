"""A run that ends after its last epoch, and is finished later."""

import json

import pytest

import trainer
from tests.tasks.several.fake import runs_of


def splits_of(folder):
    rows = json.loads((folder / "figures.json").read_text("utf-8"))
    return {row["split"] for row in rows}


@pytest.mark.slow
def test_a_run_is_finished_later(given, capsys):
    cells = [(u, i) for u in range(12) for i in range(9) if (u + i) % 4]
    rows = [f"u{u},i{i},{1 + (u * i) % 5}" for u, i in cells]
    folder = runs_of(given)
    (folder.parent / "ratings.csv").write_text(
        "user,item,rating\n" + "\n".join(rows) + "\n"
    )
    arguments = ["trainer.py", *given, "--epochs=1"]
    assert trainer.main([*arguments, "--nofinish"]) == 0
    printed = capsys.readouterr().out
    assert "Not evaluated on the test set, nor exported" in printed
    assert "Test set, with" not in printed
    files = {path.name for path in folder.iterdir()}
    assert not {"export", "report.html", "results.txt", "results.csv"} & files
    assert splits_of(folder) == {"train", "valid"}

    assert trainer.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "The one epoch is done" in printed
    assert "Epoch 1/1" not in printed
    files = {path.name for path in folder.iterdir()}
    assert {"export", "report.html", "results.txt", "results.csv"} <= files
    assert splits_of(folder) == {"train", "valid", "test"}

    # Nothing is trained, so that what is there is still right.
    before = (folder / "figures.json").read_text("utf-8")
    assert trainer.main([*arguments, "--nofinish"]) == 0
    assert (folder / "figures.json").read_text("utf-8") == before
    further = ["trainer.py", *given, "--epochs=2", "--nofinish"]
    assert trainer.main(further) == 0
    assert splits_of(folder) == {"train", "valid"}


def test_a_flag_is_refused_as_it_was_typed(capsys):
    arguments = ["--mode=generate", "--preset=hdgm_sotu", "--nofinish"]
    assert trainer.main(["trainer.py", *arguments]) == 2
    told = "--nofinish has a meaning only with --mode=train"
    assert told in capsys.readouterr().err
