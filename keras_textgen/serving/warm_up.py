"""What TensorFlow Serving runs once, before it says that a model is there.

TensorFlow compiles and allocates at a first request, which would make a client
wait. The server reads requests for it from the SavedModel: a TFRecord file of
`tensorflow.serving.PredictionLog`, a message of few fields that is written here
without the package that declares it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen.data.protocol_buffers import field
from keras_textgen.tokens import END_ID, START_ID, UNKNOWN_ID

WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
_TEXT = b"a"
# Numbers of fields, in prediction_log.proto, predict.proto and model.proto.
_PREDICT_LOG, _REQUEST = 6, 1
_MODEL_SPEC, _INPUTS = 1, 2
_SIGNATURE_NAME = 3
_KEY, _VALUE = 1, 2


def write_warm_up(
    folder: str | Path, signatures: Mapping[str, Sequence[tf.TensorSpec]]
) -> None:
    """Write a request of each signature beside a SavedModel.

    Args:
        folder: Of the SavedModel.
        signatures: By name, what they take.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> texts = tf.TensorSpec([None], tf.string, name="texts")
        >>> write_warm_up(folder, {"encode": [texts]})
        >>> (folder / WARM_UP_FILE).is_file()
        True
    """
    path = Path(folder) / WARM_UP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for name, specs in signatures.items():
            inputs = {spec.name: example(spec) for spec in specs}
            file.write(prediction_log(name, inputs))


def example(spec: tf.TensorSpec) -> np.ndarray:
    """A value that every function of this package takes.

    Args:
        spec: Of an input.

    Returns:
        One row: a text, an id, a sequence of an unknown word, counts, or the
        number 1.

    Example:
        >>> example(tf.TensorSpec([None, None], tf.int32, "tokens")).tolist()
        [[2, 1, 3]]
        >>> example(tf.TensorSpec([], tf.float32, "temperature")).tolist()
        1.0
    """
    if spec.name == "tokens" and spec.shape.rank == 2:
        return np.array([[START_ID, UNKNOWN_ID, END_ID]], np.int32)
    shape = [1 if size is None else size for size in spec.shape]
    if spec.dtype == tf.string:
        return np.full(shape, _TEXT, object)
    if spec.name == "columns":
        # The first one, which there always is.
        return np.zeros(shape, spec.dtype.as_numpy_dtype)
    return np.ones(shape, spec.dtype.as_numpy_dtype)


def prediction_log(signature: str, inputs: Mapping[str, np.ndarray]) -> bytes:
    """A `tensorflow.serving.PredictionLog` of one request, serialized.

    Args:
        signature: Its name.
        inputs: Of it, by name.

    Returns:
        The message.
    """
    request = field(_MODEL_SPEC, field(_SIGNATURE_NAME, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value, shape=value.shape)
        entry = field(_KEY, name.encode())
        entry += field(_VALUE, tensor.SerializeToString())
        request += field(_INPUTS, entry)
    return field(_PREDICT_LOG, field(_REQUEST, request))
