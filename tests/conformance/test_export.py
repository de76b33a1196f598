"""What holds for every model in a process that has only TensorFlow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.export import export_model
from tests.conformance.registry import (
    MODELS,
    TEXTS,
    each_model,
    made,
    tokens_of,
)

TEXT_BATCHES = [np.array(TEXTS), np.array(["a cat"])]
TOKEN_BATCHES = [tokens_of(4, 1, 0, 6, 2).numpy(), tokens_of(9).numpy()]
WEIGHTING = {"num_samples": 3, "seed": 11}
GENERATION = {"num_texts": 3, "seed": 11}
SAMPLING = {"temperature": 0.7, "top_k": 5, "top_p": 0.9}
ARGUMENTS = {
    "encode": {},
    "reconstruct": {},
    "score": {},
    "log_likelihood": WEIGHTING,
}

# Nothing of Keras, tensorflow-probability or this package can be imported.
_CLIENT = """
import pathlib, pickle, sys
for name in ("keras", "tf_keras", "tensorflow_probability", "keras_textgen"):
    sys.modules[name] = None
import tensorflow as tf

folder = pathlib.Path(sys.argv[1])
calls = pickle.loads((folder / "calls").read_bytes())
answers = {}
for path in folder.glob("*/"):
    served = tf.saved_model.load(str(path))
    answers[path.name, "signatures"] = {
        name: sorted(each.structured_input_signature[1])
        for name, each in served.signatures.items()
    }
    for number, (kind, name, arguments) in enumerate(calls):
        if name not in served.signatures:
            continue
        arguments = {key: tf.constant(each) for key, each in arguments.items()}
        if kind == "signature":
            outputs = served.signatures[name](**arguments)
        else:
            outputs = getattr(served, name)(*arguments.values())
        answers[path.name, number] = {
            key: value.numpy() for key, value in outputs.items()
        }
(folder / "answers").write_bytes(pickle.dumps(answers))
"""


def calls():
    """How to call, what, and the arguments in their order.

    A function and the signature of the same name run the same graph, so not
    every pair is worth its time.
    """
    for name, arguments in ARGUMENTS.items():
        for texts in TEXT_BATCHES:
            yield "function", name, {"texts": texts, **arguments}
        for tokens in TOKEN_BATCHES:
            given = {"tokens": tokens, **arguments}
            yield "signature", f"{name}_tokens", given
    yield "signature", "encode", {"texts": TEXT_BATCHES[0]}
    yield "function", "encode", {"tokens": TOKEN_BATCHES[0]}
    yield "function", "log_likelihood", {"texts": TEXT_BATCHES[1]}
    yield "function", "generate", GENERATION
    yield "signature", "generate", {**GENERATION, **SAMPLING}


def answer_of(model, name, arguments):
    """What the model itself answers, without a graph."""
    if name == "generate":
        return {"text": np.array(model.generate(**arguments), np.bytes_)}
    data, *weighting = arguments.values()
    is_text = "texts" in arguments
    tokens = model.vocabulary(data) if is_text else tf.constant(data)
    match name.removesuffix("_tokens"):
        case "encode":
            return {"code": model.encode_tokens(tokens)}
        case "reconstruct":
            found = model.reconstruct_tokens(tokens)
            return {"text": model.vocabulary.to_text(found), "tokens": found}
        case "score":
            outputs = model(tokens)
            return {"nll": outputs["nll"], "kl": outputs["kl"]}
        case "log_likelihood":
            num_samples, seed = weighting or (100, 0)
            bound = model.importance_weighted_bound(
                tokens, num_samples, tf.constant([model.seed, seed])
            )
            return {"log_likelihood": bound}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What one process answers for all models."""
    folder = tmp_path_factory.mktemp("exports")
    for case in MODELS:
        export_model(made(case.name), folder / case.name)
    (folder / "calls").write_bytes(pickle.dumps(list(calls())))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


def assert_equal(found, expected):
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    else:
        expected = np.asarray(expected)
        np.testing.assert_array_equal(found.astype(expected.dtype), expected)


@pytest.mark.slow
@each_model
def test_answers_are_those_of_the_model(case, answers):
    for number, (_, name, arguments) in enumerate(calls()):
        if name in answers[case.name, "signatures"]:
            found = answers[case.name, number]
            expected = answer_of(made(case.name), name, arguments)
            for key, output in expected.items():
                assert_equal(found[key], output)


@pytest.mark.slow
@each_model
def test_signatures(case, answers):
    has_prior = made(case.name).has_prior
    expected = {}
    for name, arguments in ARGUMENTS.items():
        if has_prior or name != "log_likelihood":
            expected[name] = sorted(["texts", *arguments])
            expected[f"{name}_tokens"] = sorted(["tokens", *arguments])
    if has_prior:
        expected["generate"] = sorted([*GENERATION, *SAMPLING])
    assert answers[case.name, "signatures"] == expected
