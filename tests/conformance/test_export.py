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

INPUTS = [
    ("texts", np.array(TEXTS)),
    ("texts", np.array(["a cat"])),
    ("tokens", tokens_of(4, 1, 0, 6, 2).numpy()),
    ("tokens", tokens_of(9).numpy()),
]
WEIGHTING = {"num_samples": 3, "seed": 11}
GENERATION = {"num_texts": 3, "seed": 11}
SAMPLING = {"temperature": 0.7, "top_k": 5, "top_p": 0.9}

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
    for number, (name, arguments) in enumerate(calls):
        if name not in served.signatures:
            continue
        arguments = {key: tf.constant(each) for key, each in arguments.items()}
        function = getattr(served, name.removesuffix("_tokens"))
        for kind, outputs in [
            ("function", function(*arguments.values())),
            ("signature", served.signatures[name](**arguments)),
        ]:
            answers[path.name, number, kind] = {
                key: value.numpy() for key, value in outputs.items()
            }
    answers[path.name, "signatures"] = sorted(served.signatures)
(folder / "answers").write_bytes(pickle.dumps(answers))
"""


def calls():
    """Signature and arguments of every call, in the order of arguments."""
    for kind, data in INPUTS:
        suffix = "_tokens" if kind == "tokens" else ""
        for name in ("encode", "reconstruct", "score"):
            yield name + suffix, {kind: data}
        yield "log_likelihood" + suffix, {kind: data, **WEIGHTING}
    yield "generate", {**GENERATION, **SAMPLING}


def expected(model, name, arguments):
    """The answer of the model itself, run step by step, not as a graph."""
    if name == "generate":
        return {
            "text": model.generate(
                GENERATION["num_texts"], seed=GENERATION["seed"], **SAMPLING
            )
        }
    data = next(iter(arguments.values()))
    tokens = data if data.dtype == np.int32 else model.vocabulary(data)
    tokens = tf.constant(tokens)
    match name.removesuffix("_tokens"):
        case "encode":
            return {"code": model.encode_tokens(tokens)}
        case "reconstruct":
            found = model.reconstruct_tokens(tokens)
            return {"text": model.vocabulary.to_text(found), "tokens": found}
        case "score":
            outputs = model(tokens)
            return {name: outputs[name] for name in ("kl", "nll")}
        case "log_likelihood":
            seed = tf.constant([model.seed, WEIGHTING["seed"]])
            bound = model.importance_weighted_bound(
                tokens, WEIGHTING["num_samples"], seed
            )
            return {"log_likelihood": bound}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What one process answered for all models."""
    folder = tmp_path_factory.mktemp("exports")
    for case in MODELS:
        export_model(made(case.name), folder / case.name)
    (folder / "calls").write_bytes(pickle.dumps(list(calls())))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


@each_model
def test_answers_are_those_of_the_model(case, answers):
    model = made(case.name)
    for number, (name, arguments) in enumerate(calls()):
        if name not in answers[case.name, "signatures"]:
            continue
        outputs = expected(model, name, arguments)
        for kind in ("function", "signature"):
            found = answers[case.name, number, kind]
            assert set(outputs) <= set(found)
            for key, output in outputs.items():
                assert_equal(found[key], np.asarray(output))


def assert_equal(found, expected):
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(found.astype(expected.dtype), expected)


@each_model
def test_signatures(case, answers):
    names = ["encode", "reconstruct", "score"]
    if made(case.name).has_prior:
        names.append("log_likelihood")
    names += [f"{name}_tokens" for name in names]
    if made(case.name).has_prior:
        names.append("generate")
    assert answers[case.name, "signatures"] == sorted(names)
