"""What every model serves, in a process that has only TensorFlow."""

import importlib
import inspect
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen.models.base import GlobalBatchModel
from keras_textgen.serving.saved_model import read
from tests.conformance import tensorflow_client
from tests.conformance.other_models import OTHER_MODELS
from tests.conformance.registry import INSTALLED
from tests.conformance.served import SERVED, each_served_model, speller
from tests.serving.warm_up_file import requests_of


@pytest.fixture(scope="module")
def answers(request, tmp_path_factory):
    """What one process answers for the fast models, and one for the others.

    Only models that a test of this run asks for are exported.
    """
    asked = {
        item.callspec.params["case"].name
        for item in request.session.items
        if "answers" in item.fixturenames
    }
    known = {}

    def answers_of(case):
        if case.is_slow not in known:
            cases = [
                each
                for each in SERVED
                if each.is_slow == case.is_slow and each.name in asked
            ]
            folder = tmp_path_factory.mktemp("exports")
            known[case.is_slow] = answers_of_process(cases, folder)
        return known[case.is_slow]

    return answers_of


def answers_of_process(cases, folder):
    for case in cases:
        keras_textgen.export_model(case.model(), folder / case.name)
    calls = {
        case.name: [call[:3] for call in case.calls(case.model())]
        for case in cases
    }
    for case in cases:
        calls[case.name] += warm_up_calls(folder / case.name)
    (folder / "calls").write_bytes(pickle.dumps(calls))
    command = [sys.executable, tensorflow_client.__file__, folder]
    subprocess.run(command, check=True)
    return pickle.loads((folder / "answers").read_bytes())


def warm_up_calls(folder):
    """What TensorFlow Serving asks before any client does."""
    return [("signature", *request) for request in requests_of(folder)]


def answered(case, answers, kind):
    """Calls whose expectation is of a kind, and what came back."""
    for number, call in enumerate(case.calls(case.model())):
        if kind(call.expected):
            yield call, answers(case)[case.name, number]


def assert_equal(found, expected, what):
    expected = np.asarray(expected)
    assert found.shape == expected.shape, what
    if found.dtype == np.float32:
        np.testing.assert_allclose(
            found, expected, rtol=1e-5, atol=1e-6, err_msg=what
        )
    elif found.dtype == object:
        texts = [each.decode() for each in found.ravel()]
        of = [
            each.decode() if isinstance(each, bytes) else str(each)
            for each in expected.ravel()
        ]
        assert texts == of, what
    else:
        np.testing.assert_array_equal(found, expected, err_msg=what)


@each_served_model
def test_answers_are_those_of_the_model(case, answers):
    for call, found in answered(case, answers, callable):
        expected = call.expected()
        # The model says no ids of the texts that it generates.
        extra = {"tokens"} if call.name == "generate" else set()
        assert found.keys() == expected.keys() | extra, call
        for key, output in expected.items():
            assert_equal(found[key], output, f"{call.name}: {key}")


@each_served_model
def test_no_rows_in_no_rows_out(case, answers):
    is_shapes = lambda expected: isinstance(expected, dict)  # noqa: E731
    for call, found in answered(case, answers, is_shapes):
        assert found.keys() == call.expected.keys(), call
        for key, shape in call.expected.items():
            assert len(found[key].shape) == len(shape), call
            for size, expected in zip(found[key].shape, shape, strict=True):
                assert expected in (size, None), call


@each_served_model
def test_what_is_refused(case, answers):
    is_message = lambda expected: isinstance(expected, str)  # noqa: E731
    for call, found in answered(case, answers, is_message):
        assert isinstance(found, str), f"answered: {call}"
        assert call.expected in found


@each_served_model
def test_warm_up_requests_are_answered(case, answers):
    """Behind the calls; a server does not load a model that refuses one."""
    first, found = len(case.calls(case.model())), answers(case)
    signatures = case.signatures(case.model())
    for number in range(first, first + len(signatures)):
        outputs = found[case.name, number]
        assert isinstance(outputs, dict), outputs
        for name, output in outputs.items():
            assert name == "label_names" or len(output) == 1
    assert (case.name, first + len(signatures)) not in found


@each_served_model
def test_signatures(case, answers):
    found = answers(case)[case.name, "signatures"]
    assert found == case.signatures(case.model())


# Those that are asked for one thing alone.
PARTIAL = ("spellings", "dmf_plain")


@pytest.mark.parametrize(
    "case",
    [case for case in SERVED if case.name not in PARTIAL],
    ids=lambda case: case.name,
)
def test_every_signature_is_asked(case):
    """So that none of the tests above passes for want of calls."""
    calls = case.calls(case.model())
    signatures = set(case.signatures(case.model()))
    answered = {call.name for call in calls if callable(call.expected)}
    no_rows = {call.name for call in calls if isinstance(call.expected, dict)}
    assert answered == signatures
    assert no_rows == signatures - {"label_names"}


# -- As methods of the model -------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(case.make, id=case.name) for case in INSTALLED),
        *(pytest.param(case.make, id=case.name) for case in OTHER_MODELS),
    ],
)
def test_every_model_has_endpoints(make):
    model = make()
    endpoints = model.endpoints()
    assert endpoints
    for name, endpoint in endpoints.items():
        assert callable(endpoint.function), name
        specs = [*endpoint.inputs, *endpoint.options]
        assert len({spec.name for spec in specs}) == len(specs), name


def test_keras_export_writes_the_same(tmp_path, capsys):
    model = speller()
    model.export(tmp_path / "quiet")
    assert capsys.readouterr().out == ""
    model.export(tmp_path / "1", format="tf_saved_model", verbose=True)
    out = capsys.readouterr().out
    assert (
        out == f"Written to {tmp_path / '1'}: score, generate, "
        "log_likelihood.\n"
    )
    expected = model.predict(["rose"], verbose=0)["nll"]
    for path in (tmp_path / "quiet", tmp_path):
        served = read(path)
        found = served.score(tf.constant(["rose"]))["nll"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"format": "onnx"},
            "export with format='onnx'; allowed: 'tf_saved_model', which "
            "TensorFlow and TensorFlow Serving load",
        ),
        (
            {"input_signature": [7]},
            "export with input_signature=[7]; allowed: None, as "
            "model.endpoints() says what each signature takes",
        ),
        (
            {"opset_version": 18},
            "export with opset_version=18; allowed: filepath, format and "
            "verbose",
        ),
    ],
)
def test_what_export_refuses(tmp_path, given, message):
    with pytest.raises(ValueError, match=r"^export with ") as error:
        speller().export(tmp_path / "export", **given)
    assert str(error.value) == message
    assert not (tmp_path / "export").exists()


def test_quantize_is_refused():
    with pytest.raises(ValueError, match=r"^quantize") as error:
        speller().quantize("int8", filters="decoder")
    assert str(error.value) == (
        "quantize with mode='int8'; allowed: a model made under "
        "keras.config.set_dtype_policy('mixed_bfloat16')"
    )


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("export", "export_model"),
        ("export_dmf", "export_dmf"),
        ("export_han", "export_han"),
        ("export_sae", "export_sae"),
    ],
)
def test_old_names(module, function):
    sys.modules.pop(f"keras_textgen.{module}", None)
    with pytest.warns(DeprecationWarning, match="moved to keras_textgen.mod"):
        found = importlib.import_module(f"keras_textgen.{module}")
    assert getattr(found, function) is keras_textgen.export_model


def test_arguments_are_those_of_keras():
    """An argument that another Keras adds is noticed here."""
    for name in ("export", "quantize"):
        theirs = inspect.signature(getattr(keras.Model, name)).parameters
        ours = inspect.signature(getattr(GlobalBatchModel, name)).parameters
        assert [*ours] == [*theirs]
