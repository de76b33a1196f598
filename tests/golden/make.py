"""Writes the kept files of a commit, or records changed values beside them.

python -m tests.golden.make make --commit=e01c075 --only="han*"
python -m tests.golden.make margins --commit=e01c075
python -m tests.golden.make record --key=mask --reason="Why." --only="*:*"

See README.md in this folder.
"""

import argparse
import fnmatch
import pathlib
import re
import shutil
import sys
import tempfile
import zipfile

import keras
import tensorflow as tf

from keras_textgen.models.loading import load_model
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from tests.golden import cases, kept, values

# Floats may not hang on the last digit, nor texts on the last few.
_NUDGE, _TEXT_NUDGE = 2e-7, 1e-4
_NOT_KEPT = ("logs", "export", ".lock")


def main(arguments: list[str]) -> int:
    """Run a command.

    Args:
        arguments: Of the command line.

    Returns:
        Exit status: 1 if values differ that `record` was not to write.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write all files of a commit")
    make.add_argument("--commit", required=True, help="its name: the folder's")
    make.add_argument("--only", default="*", help="files, with * as in a shell")
    margins = commands.add_parser("margins", help="name values without one")
    margins.add_argument("--commit", required=True, help="name of the folder")
    record = commands.add_parser("record", help="write changed values")
    record.add_argument("--key", required=True, help="short, of the reason")
    record.add_argument("--reason", required=True, help="a sentence")
    record.add_argument(
        "--only", required=True, help="case:name, with * and ? as in a shell"
    )
    given = parser.parse_args(arguments)
    if given.command == "make":
        _make(kept.HERE / given.commit, given.only)
        return 0
    if given.command == "margins":
        for file in sorted((kept.HERE / given.commit).glob("*.keras")):
            _check_margins(file)
        return 0
    return _record(given.key, given.reason, given.only)


# -- make ----------------------------------------------------------------------


def _make(folder: pathlib.Path, only: str) -> None:
    (folder / "changes").mkdir(parents=True)
    (folder / "changes" / ".gitkeep").touch()
    for name, case in cases.CASES.items():
        file = folder / f"{name}.keras"
        if not fnmatch.fnmatchcase(file.name, only):
            continue
        _trained(case).save(file)
        _deflate(file)
        _write_values(file)
    for name in cases.RUNS:
        file = folder / f"{name}_run.zip"
        if not fnmatch.fnmatchcase(file.name, only):
            continue
        _write_run(name, file)
        _write_values(file)


def _trained(case: cases.Case) -> keras.Model:
    """The model with fixed weights, after three steps."""
    model = case.make()
    for phase, weight in enumerate(model.trainable_variables):
        weight.assign(values.known_values(weight.shape, phase))
    model.compile(case.optimizer())
    with values.eagerly():
        values.train(model, values.batches_of(model))
        if isinstance(model, SoftmaxAutoencoder):
            model.fit_topics(cases.TEXTS)
    # Compiled anew, it would be a model that was never trained.
    return model


def _write_run(name: str, archive: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        values.run(name, run, cases.EPOCHS)
        for each in _NOT_KEPT:
            path = run / each
            shutil.rmtree(path) if path.is_dir() else path.unlink(True)
        # The one thing that is not as it was written: this machine's path.
        flags = run / "flags.txt"
        lines = re.sub(r"--data_dir=.*", "--data_dir=/data", flags.read_text())
        flags.write_text(lines)
        shutil.make_archive(archive.with_suffix(""), "zip", run)


def _deflate(file: pathlib.Path) -> None:
    """Keras does not compress its files, which are mostly zeros."""
    with zipfile.ZipFile(file) as old:
        content = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(
        file, "w", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as new:
        for name, each in content.items():
            new.writestr(zipfile.ZipInfo(name), each, zipfile.ZIP_DEFLATED)


def _write_values(file: pathlib.Path) -> None:
    found = {}
    for part in kept.parts_of(file):
        found |= kept.evaluated(file, part)
    file.with_suffix(".json").write_text(kept.as_json(found), "utf-8")
    print(f"{file.name}: {len(found)} values", flush=True)


def _check_margins(file: pathlib.Path) -> None:
    """Says which values change when the weights hardly do."""
    old = kept.old_values(file, "model")
    for nudge, is_text in ((_NUDGE, False), (_TEXT_NUDGE, True)):
        model = load_model(file)
        for phase, weight in enumerate(model.trainable_variables):
            factors = 1 + values.known_values(weight.shape, phase, nudge)
            weight.assign(weight * tf.constant(factors, tf.float32))
        found = values.values_of(model)
        for name, value in old.items():
            concerned = _has_text(value) == is_text
            if concerned and not values.same(found[name], value):
                print(f"{file.name}: {name} has no margin: {found[name]}")


def _has_text(value: object) -> bool:
    """Whether a value is of words or of whole numbers."""
    if isinstance(value, list):
        return any(map(_has_text, value))
    return not isinstance(value, float)


# -- record --------------------------------------------------------------------


def _record(key: str, reason: str, only: str) -> int:
    others = []
    for folder in kept.folders():
        changes = kept.read_changes(folder)
        mine = changes.setdefault(key, {"reason": reason, "values": {}})
        mine["reason"] = reason
        for file in kept.files(folder):
            old, found = _concerned(file, only)
            for name, value in old.items():
                place = f"{file.stem}:{name}"
                recorded = kept.entries(changes, file.stem, name)
                if _is_right(found.get(name), value, recorded):
                    continue
                if not fnmatch.fnmatchcase(place, only):
                    others.append(place)
                    continue
                for each in recorded:
                    del changes[each]["values"][file.stem][name]
                if not values.same(found.get(name), value):
                    entry = {"value": found.get(name)}
                    also = _reasons(recorded) - {key}
                    if also:
                        entry["also"] = sorted(also)
                    mine["values"].setdefault(file.stem, {})[name] = entry
                print(f"recorded: {place}")
        kept.write_changes(folder, changes)
    for place in others:
        print(f"differs, but does not match --only: {place}")
    return 1 if others else 0


def _concerned(
    file: pathlib.Path, only: str
) -> tuple[values.Values, values.Values]:
    """Old and present values of those parts of a file that have a match."""
    old, found = {}, {}
    for part in kept.parts_of(file):
        of_part = kept.old_values(file, part)
        places = [f"{file.stem}:{name}" for name in of_part]
        if any(fnmatch.fnmatchcase(place, only) for place in places):
            old |= of_part
            found |= kept.evaluated(file, part)
    return old, found


def _is_right(found: object, old: object, recorded: dict[str, dict]) -> bool:
    """Whether nothing is to be written about a value."""
    if not recorded:
        return values.same(found, old)
    first, *more = recorded.values()
    is_stale = values.same(first["value"], old)
    return not more and not is_stale and values.same(found, first["value"])


def _reasons(recorded: dict[str, dict]) -> set[str]:
    """Keys of all reasons that a value has changed for so far."""
    return set(recorded).union(
        *(entry.get("also", []) for entry in recorded.values())
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
