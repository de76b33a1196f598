"""What is done around models with Keras's tools and others, for every model."""

import concurrent.futures
import gc
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.conformance.keras_cases import (
    INSTALLED,
    assert_close,
    each_case,
    each_case_in_graphs,
    figures,
    uses,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]


def as_arrays(found):
    return keras.tree.map_structure(np.asarray, found)


def assert_same_answers(found, expected):
    def same(one, other):
        if one.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(one, other)

    keras.tree.map_structure(same, as_arrays(found), as_arrays(expected))


@each_case_in_graphs
def test_eight_threads_at_once(case):
    """From the start, when nothing is traced yet."""
    calls = uses(case, case.make())
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        futures = {
            name: [threads.submit(call) for _ in range(4)]
            for name, call in calls.items()
        }
        found = {
            name: [future.result() for future in each]
            for name, each in futures.items()
        }
    for name, call in uses(case, case.make()).items():
        expected = call()
        for each in found[name]:
            assert_same_answers(each, expected)


def resident_bytes():
    """Memory that the process holds."""
    gc.collect()
    statm = pathlib.Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("the system does not say how much memory is held")
    return 4096 * int(statm.read_text("utf-8").split()[1])


@each_case_in_graphs
def test_200_predictions_in_a_row(case):
    """Memory stays flat, and the model is traced once a shape."""
    traced = []

    def call(self, *args, **kwargs):
        traced.append(None)
        return super(type(self), self).call(*args, **kwargs)

    model = case.make()
    kind = type(type(model).__name__, (type(model),), {"call": call})
    model = kind.from_config(model.get_config())

    def predict(times):
        for _ in range(times):
            model.predict(case.x, verbose=0)

    predict(50)
    times, before = len(traced), resident_bytes()
    assert times
    predict(150)
    assert len(traced) == times
    assert resident_bytes() - before < 30e6


@each_case
def test_two_models_in_one_process(case):
    one, other = case.make_eager(), case.make_eager()
    other.set_weights([each * 0.5 for each in other.get_weights()])
    first = figures(one, case.x, case.y)
    second = figures(other, case.x, case.y)
    one.fit(case.x, case.y, verbose=0)
    assert_close(figures(other, case.x, case.y), second)
    keras.backend.clear_session()
    fresh = case.make_eager()
    assert_close(figures(fresh, case.x, case.y), first)
    assert_close(figures(other, case.x, case.y), second)


@each_case
def test_the_config_is_json(case):
    model = case.make()
    config = model.get_config()
    assert json.loads(json.dumps(config)) == json.loads(
        json.dumps(type(model).from_config(config).get_config())
    )
    again = keras.models.model_from_json(model.to_json())
    assert type(again) is type(model)
    again.set_weights(model.get_weights())
    assert_close(as_arrays(again(case.x)), as_arrays(model(case.x)))


@each_case
@pytest.mark.parametrize("name", ["model.h5", "model.hdf5"])
def test_files_of_hdf5_are_refused(case, name, tmp_path, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"^save to filepath='.*; allowed: a "):
        case.make().save(tmp_path / name)
    assert not (tmp_path / name).exists()


LOADS = """
import sys
import keras
import keras_textgen.models.register
for path in sys.argv[1:]:
    print(type(keras.saving.load_model(path)).__name__)
"""


@pytest.fixture(scope="module")
def loaded_elsewhere(tmp_path_factory):
    """Classes of files of all models that another process has loaded.

    It has imported the register, and nothing else of the package.
    """
    folder = tmp_path_factory.mktemp("models")
    paths = [str(folder / f"{case.name}.keras") for case in INSTALLED]
    for case, path in zip(INSTALLED, paths, strict=True):
        case.make().save(path)
    printed = subprocess.run(
        [sys.executable, "-c", LOADS, *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = [case.name for case in INSTALLED]
    return dict(zip(names, printed.split(), strict=True))


@each_case
def test_keras_loads_a_file_elsewhere(case, loaded_elsewhere):
    assert loaded_elsewhere[case.name] == type(case.make()).__name__


@each_case
@pytest.mark.parametrize("format", ["litert", "openvino", "torch"])
def test_other_formats_are_refused(case, format, tmp_path, record_property):
    record_property("cell", "refused")
    with pytest.raises(ValueError, match=r"^export with format=.*; allowed: "):
        case.make().export(tmp_path / "model", format=format)
    assert not (tmp_path / "model").exists()


@each_case
def test_quantization_is_refused(case, record_property):
    record_property("cell", "refused")
    model = case.make()
    # Of "gptq" and "awq", Keras asks for their configs first.
    for mode in ("int8", "int4", "float8"):
        with pytest.raises(ValueError, match=r"^quantize with mode=.*mixed_b"):
            model.quantize(mode)


@each_case
def test_the_layers_have_all_weights(case):
    model = case.make()
    of_layers = {id(each) for layer in model.layers for each in layer.weights}
    own = {id(each) for each in model.weights} - of_layers
    assert of_layers <= {id(each) for each in model.weights}
    counters = {id(model.train_steps), id(model.test_steps)}
    assert counters <= own
    for layer in model.layers:
        assert model.get_layer(layer.name) is layer


@each_case
def test_a_model_is_plotted(case, tmp_path, record_property):
    file = tmp_path / "model.png"
    if importlib.util.find_spec("pydot") is None or not shutil.which("dot"):
        record_property("cell", "needs `graphviz`")
        with pytest.raises(ImportError, match="You must install"):
            keras.utils.plot_model(case.make(), file)
        return
    keras.utils.plot_model(case.make(), file)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@each_case
def test_keras_tuner_searches(case, tmp_path, record_property):
    """It makes, fits and compares models by their validation loss."""
    if importlib.util.find_spec("keras_tuner") is None:
        record_property("cell", "needs `keras-tuner`")
        pytest.skip("keras-tuner is not installed")
    import keras_tuner

    def build(parameters):
        model = case.make()
        rate = parameters.Choice("rate", [0.0, 0.5])
        model.compile(keras.optimizers.SGD(rate), run_eagerly=True)
        return model

    tuner = keras_tuner.GridSearch(
        build, objective="val_loss", directory=tmp_path, project_name="search"
    )
    held_out = case.x if case.y is None else (case.x, case.y)
    tuner.search(case.x, case.y, validation_data=held_out, verbose=0)
    expected = {}
    for rate in (0.0, 0.5):
        model = case.make()
        model.compile(keras.optimizers.SGD(rate), run_eagerly=True)
        model.fit(case.x, case.y, verbose=0)
        expected[rate] = figures(model, case.x, case.y)["loss"]
    found = {
        trial.hyperparameters.get("rate"): trial.score
        for trial in tuner.oracle.trials.values()
    }
    assert found == pytest.approx(expected, rel=1e-5)
    (best,) = tuner.get_best_hyperparameters()
    assert best.get("rate") == min(expected, key=expected.get)
