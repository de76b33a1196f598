"""Checks what a short run of trainer.py has printed and written.

Usage: check_run.py RUN_DIRECTORY LOG
"""

import csv
import math
import pathlib
import re
import sys

import tensorflow as tf

# A model that knows nothing has the perplexity of the 10,000 words.
LEARNED = 2000


def check_log(log: str) -> None:
    """The log has the figures, three reconstructions, and five sentences."""
    for figure in ("nll", "KL", "bound", "perplexity", "active units"):
        assert re.search(rf"^ *{figure} +\S", log, re.MULTILINE), figure
    assert len(re.findall(r"^ *again ", log, re.MULTILINE)) == 3
    assert len(re.findall(r"^ *[1-5]  ", log, re.MULTILINE)) == 5
    assert "Traceback" not in log


def check_files(run: pathlib.Path) -> None:
    """All files are there, and the model has learned something."""
    for name in ("flags.txt", "model.keras", "logs", "checkpoint/last"):
        assert (run / name).exists(), name
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        (epoch,) = csv.DictReader(file)
    assert all(math.isfinite(float(value)) for value in epoch.values())
    assert float(epoch["val_perplexity"]) < LEARNED, epoch["val_perplexity"]


def check_export(folder: pathlib.Path) -> None:
    """The SavedModel serves strings with TensorFlow alone."""
    served = tf.saved_model.load(str(folder))
    assert "keras_textgen" not in sys.modules
    texts = tf.constant(["The state of the Union is strong.", "Thank you."])
    encoded = served.encode(texts)["code"]
    assert encoded.shape[0] == 2
    assert bool(tf.reduce_all(tf.math.is_finite(encoded)))
    assert served.reconstruct(texts)["text"].shape == [2]
    assert served.generate(tf.constant(3))["text"].shape == [3]
    bound = served.log_likelihood(texts)["log_likelihood"]
    assert bool(tf.reduce_all(bound < 0))


if __name__ == "__main__":
    run, log = map(pathlib.Path, sys.argv[1:])
    check_log(log.read_text("utf-8"))
    check_files(run)
    check_export(run / "export")
