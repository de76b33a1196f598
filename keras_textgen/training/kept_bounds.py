"""Importance-weighted bounds that a killed evaluation does not lose."""

import os
import pathlib
import time
import zlib
from typing import Any

import numpy as np

from keras_textgen.data.batches.sequences import TokenBatches
from keras_textgen.data.readers.archives import ARRAY_DAMAGES
from keras_textgen.training.checkpoints import writing
from keras_textgen.training.run_directory import move_into_place, unfinished

_WRITING_SECONDS = 20.0


class KeptBounds:
    """Bounds by sequence, in a file that belongs to weights, data and samples.

    The file is for whoever evaluates the same model again, too: nothing is
    computed twice. A file of other weights, sequences or samples is replaced.

    Args:
      path: of the file, `.npz`.
      model: whose bounds they are.
      batches: the sequences.
      num_samples: importance samples of each sequence.
      seconds: between two writes.
    """

    def __init__(
        self,
        path: pathlib.Path,
        model: Any,
        batches: TokenBatches,
        num_samples: int,
        seconds: float = _WRITING_SECONDS,
    ) -> None:
        self._path = path
        self._key = np.array(
            [_checksum_of_weights(model), batches.checksum, num_samples]
        )
        self._seconds = seconds
        self._written = time.monotonic()

    def restored(self, num_rows: int) -> np.ndarray:
        """What is known already, float64 [num_rows], NaN where nothing is."""
        nothing = np.full(num_rows, np.nan)
        try:
            # NumPy would leave a damaged file open.
            with open(self._path, "rb") as file, np.load(file) as arrays:
                key, values = arrays["key"], arrays["values"]
        except ARRAY_DAMAGES:
            return nothing
        is_same = np.array_equal(key, self._key) and len(values) == num_rows
        return values if is_same else nothing

    def store(self, values: np.ndarray) -> None:
        """Writes the file, if it is time to or if nothing is missing."""
        now = time.monotonic()
        is_due = now - self._written >= self._seconds
        if not is_due and np.isnan(values).any():
            return
        target = unfinished(self._path)
        with writing(self._path):
            with open(target, "wb") as file:
                np.savez(file, key=self._key, values=values)
                file.flush()
                os.fsync(file.fileno())
            move_into_place(self._path)
        self._written = now


def _checksum_of_weights(model: Any) -> int:
    number = zlib.crc32(str(model.seed).encode())
    for weight in model.trainable_weights:
        number = zlib.crc32(np.ascontiguousarray(weight).tobytes(), number)
    return number
