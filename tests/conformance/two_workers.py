"""One of two workers: trains every model, and prints what it found.

python -m tests.conformance.two_workers ADDRESS ADDRESS INDEX
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf


def main(first: str, second: str, index: str) -> None:
    """Train as worker `index` of the two; 0 prints a line a model."""
    os.environ["TF_CONFIG"] = json.dumps(
        {
            "cluster": {"worker": [first, second]},
            "task": {"type": "worker", "index": int(index)},
        }
    )
    # Workers have to meet before anything is computed, also in an import.
    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    from keras_textgen.models import base
    from tests.conformance.keras_cases import INSTALLED

    # The vocabularies here are too small to be sent row by row else.
    base.ROWS_SENT_FROM = 1
    for case in INSTALLED:
        with strategy.scope():
            model = case.make()
            model.compile("sgd")
        data = case.x, case.y
        losses = model.fit(*data, epochs=10, batch_size=4, verbose=0).history
        found = model.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
        weights = [float(np.abs(w).sum()) for w in model.get_weights()]
        if index == "0":
            line = [case.name, losses["loss"], found["loss"], weights]
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
