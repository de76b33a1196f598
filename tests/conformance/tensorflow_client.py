"""A process that has only TensorFlow, and calls what was exported.

Usage: tensorflow_client.py FOLDER

FOLDER holds SavedModels and `calls`, a pickle: for each of their names, how to
call what with which arguments. The pickle `answers` is written: by name and
number of the call, arrays or the message of an error; and by name and
"signatures", inputs and outputs of each.
"""

import pathlib
import pickle
import sys

# Nothing of Keras, tensorflow-probability or this package can be imported.
ABSENT = ("keras", "tf_keras", "tensorflow_probability", "keras_textgen")
if __name__ == "__main__":
    sys.modules |= dict.fromkeys(ABSENT)

import tensorflow as tf  # noqa: E402


def main(folder: pathlib.Path) -> None:
    """Answer all calls."""
    answers = {}
    all_calls = pickle.loads((folder / "calls").read_bytes())
    for name, calls in all_calls.items():
        served = tf.saved_model.load(str(folder / name))
        answers[name, "signatures"] = {
            signature: (
                dtypes(each.structured_input_signature[1]),
                dtypes(each.structured_outputs),
            )
            for signature, each in served.signatures.items()
        }
        for number, call in enumerate(calls):
            answers[name, number] = answer(served, *call)
    (folder / "answers").write_bytes(pickle.dumps(answers))


def dtypes(specs: dict) -> dict[str, str]:
    """Types by name."""
    return {name: spec.dtype.name for name, spec in specs.items()}


def answer(served, how: str, name: str, arguments: dict) -> dict | str:
    """Arrays by name, or what the error says."""
    arguments = {key: tf.constant(each) for key, each in arguments.items()}
    try:
        if how == "signature":
            outputs = served.signatures[name](**arguments)
        else:
            outputs = getattr(served, name)(*arguments.values())
    except tf.errors.InvalidArgumentError as error:
        return error.message
    return {key: value.numpy() for key, value in outputs.items()}


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
