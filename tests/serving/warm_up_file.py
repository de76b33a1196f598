"""Reads the requests by which a server warms up, without any schema."""

import tensorflow as tf

from keras_textgen.serving.warm_up import WARM_UP_FILE

TENSOR = type(tf.make_tensor_proto(0))


def fields(message):
    """The fields of a message that holds bytes alone: number and content."""
    found = []
    while message:
        assert message[0] & 7 == 2
        length, shift, at = 0, 0, 1
        while True:
            byte = message[at]
            length |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not byte & 0x80:
                break
        found.append((message[0] >> 3, message[at : at + length]))
        message = message[at + length :]
    return found


def parsed(log):
    """The name of the signature and the inputs, without any schema."""
    ((number, predict_log),) = fields(log)
    assert number == 6
    ((number, request),) = fields(predict_log)
    assert number == 1
    (number, spec), *inputs = fields(request)
    assert number == 1
    ((number, signature),) = fields(spec)
    assert number == 3
    tensors = {}
    for number, entry in inputs:
        assert number == 2
        (_, name), (_, tensor) = fields(entry)
        proto = TENSOR.FromString(tensor)
        tensors[name.decode()] = tf.make_ndarray(proto)
    return signature.decode(), tensors


def requests_of(folder):
    """Each request beside a SavedModel: its signature and its inputs."""
    records = tf.data.TFRecordDataset(str(folder / WARM_UP_FILE))
    return [parsed(record.numpy()) for record in records]
