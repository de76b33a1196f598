"""A few bags of words for tiny topic models."""

import numpy as np
import scipy.sparse

from keras_textgen.data.batches.bags import BagBatches

WORDS = ["red", "rose", "wine", "sea", "ship", "wave", "sail"]
# With different numbers of words, and one without.
COUNTS = scipy.sparse.csr_array(
    [
        [2, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 4, 2, 3],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 5, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ],
    dtype=np.float32,
)


def bags(counts=COUNTS, rows=slice(None)):
    """Some of the rows, as a model is given them."""
    (batch,) = BagBatches(counts[rows], batch_size=99).evaluation_dataset()
    return batch
