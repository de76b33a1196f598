"""What holds for every model in a process that has only TensorFlow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.models.text.export import export_model
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from tests.conformance.registry import (
    EXPORTED,
    TEXTS,
    each_exported_model,
    made,
    tokens_of,
)

TEXT_BATCHES = [np.array(TEXTS), np.array(["a cat"])]
TOKEN_BATCHES = [tokens_of(4, 1, 0, 6, 2).numpy(), tokens_of(9).numpy()]
WEIGHTING = {"num_samples": 3, "seed": 11}
GENERATION = {"num_texts": 3, "seed": 11}
SAMPLING = {"temperature": 0.7, "top_k": 5, "top_p": 0.9}
NO_TEXTS = np.array([], np.str_)
NO_TOKENS = [np.zeros(shape, np.int32) for shape in ([0, 5], [0, 1], [0, 0])]

# Nothing of Keras, tensorflow-probability or this package can be imported.
_CLIENT = """
import pathlib, pickle, sys
for name in ("keras", "tf_keras", "tensorflow_probability", "keras_textgen"):
    sys.modules[name] = None
import tensorflow as tf

folder = pathlib.Path(sys.argv[1])
all_calls = pickle.loads((folder / "calls").read_bytes())
answers = {}
for path in folder.glob("*/"):
    served = tf.saved_model.load(str(path))
    answers[path.name, "signatures"] = {
        name: sorted(each.structured_input_signature[1])
        for name, each in served.signatures.items()
    }
    for number, (kind, name, arguments) in enumerate(all_calls[path.name]):
        arguments = {key: tf.constant(each) for key, each in arguments.items()}
        if kind == "refused":
            try:
                served.signatures[name](**arguments)
            except tf.errors.InvalidArgumentError as error:
                answers[path.name, number] = error.message
            continue
        if kind == "signature":
            outputs = served.signatures[name](**arguments)
        else:
            outputs = getattr(served, name)(*arguments.values())
        answers[path.name, number] = {
            key: value.numpy() for key, value in outputs.items()
        }
(folder / "answers").write_bytes(pickle.dumps(answers))
"""


def text_endpoints(model):
    """Endpoints for texts, and their arguments beside the texts."""
    if not isinstance(model, LatentTextModel):
        return {"score": {}, "log_likelihood": {}}
    endpoints = {"encode": {}, "reconstruct": {}, "score": {}}
    if model.has_prior:
        endpoints["log_likelihood"] = WEIGHTING
    return endpoints


def generates(model):
    return not isinstance(model, LatentTextModel) or model.has_prior


def calls(model):
    """How to call, what, and the arguments in their order.

    A function and the signature of the same name run the same graph, so not
    every pair is worth its time.
    """
    endpoints = text_endpoints(model)
    for name, arguments in endpoints.items():
        for texts in TEXT_BATCHES:
            yield "function", name, {"texts": texts, **arguments}
        for tokens in TOKEN_BATCHES:
            given = {"tokens": tokens, **arguments}
            yield "signature", f"{name}_tokens", given
    yield "signature", "score", {"texts": TEXT_BATCHES[0]}
    yield "function", "score", {"tokens": TOKEN_BATCHES[0]}
    if "log_likelihood" in endpoints:
        yield "function", "log_likelihood", {"texts": TEXT_BATCHES[1]}
    if generates(model):
        yield "function", "generate", GENERATION
        yield "signature", "generate", {**GENERATION, **SAMPLING}


def calls_without_rows(model):
    """As `calls`."""
    for name, arguments in text_endpoints(model).items():
        yield "signature", name, {"texts": NO_TEXTS, **arguments}
        for tokens in NO_TOKENS:
            yield "signature", f"{name}_tokens", {"tokens": tokens, **arguments}
    if generates(model):
        yield "function", "generate", {**GENERATION, "num_texts": 0}


def refused_calls(model):
    """As `calls`."""
    for name, arguments in text_endpoints(model).items():
        tokens = np.ones([2, 1], np.int32)
        yield "refused", f"{name}_tokens", {"tokens": tokens, **arguments}


def answer_of(model, name, arguments):
    """What the model itself answers, without a graph."""
    if name == "generate":
        return {"text": np.array(model.generate(**arguments), np.bytes_)}
    data, *weighting = arguments.values()
    is_text = "texts" in arguments
    tokens = model.vocabulary(data) if is_text else tf.constant(data)
    match name.removesuffix("_tokens"):
        case "encode":
            expected = {"code": model.encode_tokens(tokens)}
            if isinstance(model, SparseTextModel):
                expected["mask"] = model.is_on(tokens)
            return expected
        case "reconstruct":
            found = model.reconstruct_tokens(tokens)
            return {"text": model.vocabulary.to_text(found), "tokens": found}
        case "score":
            outputs = model(tokens)
            has_kl = isinstance(model, LatentTextModel)
            names = ["nll", "kl"] if has_kl else ["nll"]
            return {name: outputs[name] for name in names}
        case "log_likelihood" if not isinstance(model, LatentTextModel):
            return {"log_likelihood": model.token_log_likelihood(tokens)}
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
    for case in EXPORTED:
        export_model(made(case.name), folder / case.name)
    all_calls = {
        case.name: [
            *calls(made(case.name)),
            *calls_without_rows(made(case.name)),
            *refused_calls(made(case.name)),
        ]
        for case in EXPORTED
    }
    (folder / "calls").write_bytes(pickle.dumps(all_calls))
    subprocess.run([sys.executable, "-c", _CLIENT, folder], check=True)
    return pickle.loads((folder / "answers").read_bytes())


def assert_equal(found, expected):
    if found.dtype == np.float32:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    else:
        expected = np.asarray(expected)
        np.testing.assert_array_equal(found.astype(expected.dtype), expected)


@pytest.mark.slow
@each_exported_model
def test_answers_are_those_of_the_model(case, answers):
    for number, (_, name, arguments) in enumerate(calls(made(case.name))):
        found = answers[case.name, number]
        expected = answer_of(made(case.name), name, arguments)
        assert found.keys() >= expected.keys()
        for key, output in expected.items():
            assert_equal(found[key], output)


@pytest.mark.slow
@each_exported_model
def test_no_rows_in_no_rows_out(case, answers):
    model = made(case.name)
    first = len([*calls(model)])
    for number, (_, name, _) in enumerate(calls_without_rows(model), first):
        shapes = {
            key: each.shape for key, each in answers[case.name, number].items()
        }
        width = getattr(model, "code_size", None)
        for key, shape in shapes.items():
            match key:
                case "code" | "mask":
                    assert shape == (0, width)
                case "tokens":
                    assert len(shape) == 2
                    assert shape[0] == 0
                case _:
                    assert shape == (0,)
        assert shapes, name


@pytest.mark.slow
@each_exported_model
def test_tokens_without_end_are_refused(case, answers):
    model = made(case.name)
    first = len([*calls(model), *calls_without_rows(model)])
    for number, _ in enumerate(refused_calls(model), first):
        assert (
            "a row of fewer than 2 tokens; allowed: 2 or more, the start and "
            "end tokens among them"
        ) in answers[case.name, number]


@pytest.mark.slow
@each_exported_model
def test_signatures(case, answers):
    model = made(case.name)
    expected = {}
    for name, arguments in text_endpoints(model).items():
        expected[name] = sorted(["texts", *arguments])
        expected[f"{name}_tokens"] = sorted(["tokens", *arguments])
    if generates(model):
        expected["generate"] = sorted([*GENERATION, *SAMPLING])
    assert answers[case.name, "signatures"] == expected


@pytest.mark.slow
@each_exported_model
def test_only_latent_models_have_a_kl(case, answers):
    model = made(case.name)
    score = [name for _, name, _ in calls(model)].index("score")
    has_kl = isinstance(model, LatentTextModel)
    assert ("kl" in answers[case.name, score]) == has_kl
