"""What a model of a kept file answers, as values with names."""

import contextlib
import csv
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

import trainer
from keras_textgen.models.documents.han import HierarchicalAttentionNetwork
from keras_textgen.models.exporting import export_model
from keras_textgen.models.loading import load_model
from keras_textgen.models.matrices.dmf import DualMatrixFactorization
from keras_textgen.models.text.latent_text_model import LatentTextModel
from keras_textgen.models.text.sparse_text_model import SparseTextModel
from keras_textgen.models.topics.sae import SoftmaxAutoencoder
from keras_textgen.tasks import runs
from tests.golden import cases

Values = dict[str, Any]

DATA = pathlib.Path(__file__).parent / "data"


def known_values(shape: tuple, phase: float, size: float = 0.8) -> np.ndarray:
    """Values in [-size, size], all different, from no generator."""
    positions = np.arange(np.prod(shape, dtype=int))
    return size * np.sin(0.7 + phase + 1.7 * positions).reshape(shape)


# -- What all models are asked -------------------------------------------------


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """No graphs: tracing them takes most of the time of tiny models."""
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            # Datasets are graphs all the same.
            warnings.filterwarnings("ignore", message=".*run_functions_eagerly")
            yield
    finally:
        tf.config.run_functions_eagerly(False)


def values_of(model: keras.Model) -> Values:
    """What a model says and how it goes on training; changes the model."""
    with eagerly():
        values = {
            **_weights("weights", model),
            **_of(model).answers(model),
            **_gradients(model, batches_of(model)[0]),
            **_steps(model, batches_of(model)),
        }
    return plain(values)


def batches_of(model: keras.Model) -> list[tuple]:
    """Arguments of `train_on_batch` for three steps."""
    return _of(model).batches()


class _Kind(NamedTuple):
    """What a kind of models is asked."""

    answers: Callable[[keras.Model], Values]
    batches: Callable[[], list[tuple]]
    inputs: Callable[[], dict[str, tf.Tensor]]


def _of(model: keras.Model) -> _Kind:
    """The kind of a model."""
    kinds = {
        HierarchicalAttentionNetwork: _Kind(
            _han_values, cases.document_batches, _han_inputs
        ),
        SoftmaxAutoencoder: _Kind(_sae_values, cases.bag_batches, _sae_inputs),
        DualMatrixFactorization: _Kind(
            _dmf_values, cases.cell_batches, _dmf_inputs
        ),
    }
    text = _Kind(_text_values, cases.token_batches, _text_inputs)
    return kinds.get(type(model), text)


def _weights(name: str, model: keras.Model) -> Values:
    """The norm of each variable, and a few entries."""
    arrays = [each.numpy().ravel() for each in model.trainable_variables]
    return {
        f"{name}/norms": [float(np.linalg.norm(each)) for each in arrays],
        f"{name}/entries": [
            each[[0, each.size // 2, -1]].tolist() for each in arrays
        ],
    }


def _gradients(model: keras.Model, batch: tuple) -> Values:
    """Parts of the loss of one batch, and norms of the loss's gradients."""
    with tf.GradientTape() as tape:
        outputs = model.step_outputs(batch, training=True)
        loss = tf.reduce_mean(outputs["losses"])
    gradients = [
        tf.convert_to_tensor(each)
        for each in tape.gradient(loss, model.trainable_variables)
    ]
    parts = {
        f"training/{name}": outputs[name].numpy()
        for name in ("losses", "nll", "kl", "kl_parts", "bag_of_words_nll")
        if name in outputs
    }
    return {**parts, "training/gradient_norms": [*map(tf.norm, gradients)]}


def _steps(model: keras.Model, batches: list[tuple]) -> Values:
    """Three more steps: their figures, then weights and optimizer."""
    logs = train(model, batches)
    slots = [np.linalg.norm(each) for each in model.optimizer.variables]
    return {
        **{f"steps/{name}": [each[name] for each in logs] for name in logs[0]},
        **_weights("steps/weights", model),
        "steps/optimizer_norms": slots,
    }


def train(model: keras.Model, batches: list[tuple]) -> list[dict[str, float]]:
    """A step on each batch; the figures of each."""
    logs = []
    for batch in batches:
        model.reset_metrics()
        logs.append(model.train_on_batch(*batch, return_dict=True))
    return logs


def _named(name: str, values: dict[str, Any]) -> Values:
    return {f"{name}/{key}": value for key, value in values.items()}


# -- Text models ---------------------------------------------------------------


def _text_values(model: keras.Model) -> Values:
    texts = cases.TEXTS
    evaluated = model.evaluate(texts, return_dict=True, verbose=0, batch_size=2)
    values = {
        **_named("predict", model.predict(texts, verbose=0, batch_size=2)),
        **_named("evaluate", evaluated),
    }
    if not isinstance(model, LatentTextModel):
        values["log_likelihood"] = model.log_likelihood(texts, batch_size=2)
        return {**values, **_generated(model)}
    codes = known_values((cases.CODE_ROWS, model.encode(texts).shape[1]), 1.0)
    tokens = cases.token_batches()[1][0]
    given = model.decode_log_likelihood(
        model.initial_state(tf.constant(codes, tf.float32)), tokens
    )
    values |= {
        "encode": model.encode(texts),
        "log_likelihood_given_code": given.numpy(),
        "reconstruct": model.reconstruct(texts, batch_size=2),
        "decode": model.decode(codes),
    }
    if isinstance(model, SparseTextModel):
        values["is_on"] = model.is_on(tokens).numpy()
    if model.has_prior:
        values["log_likelihood"] = model.log_likelihood(
            texts, num_samples=4, seed=7, batch_size=2
        )
        values |= _generated(model)
    return values


def _generated(model: keras.Model) -> Values:
    return {
        "generate/greedy": model.generate(3, top_k=1, seed=1),
        "generate/seeded": model.generate(4, temperature=0.8, seed=2),
    }


# -- The other models ----------------------------------------------------------


def _han_values(model: HierarchicalAttentionNetwork) -> Values:
    documents, labels = cases.DOCUMENTS, np.array(cases.LABELS)
    attention = model.attention(documents)
    evaluated = model.evaluate(documents, labels, return_dict=True, verbose=0)
    return {
        "predict": model.predict(documents),
        **_named("evaluate", evaluated),
        **{
            f"attention/{name}": [getattr(each, name) for each in attention]
            for name in (
                "sentences",
                "words",
                "sentence_weights",
                "word_weights",
            )
        },
    }


def _sae_values(model: SoftmaxAutoencoder) -> Values:
    texts = cases.TEXTS
    evaluated = model.evaluate(texts, return_dict=True, verbose=0)
    return {
        **_named("evaluate", evaluated),
        "encode": model.encode(texts),
        "topics": model.topics(texts),
        "topic_centers": model.topic_centers.numpy(),
        "topic_words": model.topic_words(3),
        "top_words": model.top_words(3),
        "nearest_documents": model.nearest_documents(texts[:2], texts, 3)[1],
    }


def _dmf_values(model: DualMatrixFactorization) -> Values:
    evaluated = model.evaluate(cases.RATINGS, return_dict=True, verbose=0)
    best = model.recommend(cases.ROW_IDS, k=2)
    return {
        **_named("evaluate", evaluated),
        "predict": model.predict(cases.RATINGS, verbose=0),
        "row_encoder": model.row_encoder(),
        "col_encoder": model.col_encoder(),
        "row_encoder_of_features": model.row_encoder(features=cases.FEATURES),
        "recommend/ids": best.ids,
        "recommend/scores": best.scores,
    }


# -- SavedModels ---------------------------------------------------------------


def served_values(model: keras.Model) -> Values:
    """What the signatures of the model's SavedModel answer."""
    inputs = _of(model).inputs()
    with tempfile.TemporaryDirectory() as folder:
        export_model(model, folder)
        served = tf.saved_model.load(folder)
        values = {}
        for name, signature in served.signatures.items():
            names = signature.structured_input_signature[1]
            answer = signature(**{each: inputs[each] for each in names})
            values |= _named(f"served/{name}", answer)
    return plain(values)


def _text_inputs() -> dict[str, tf.Tensor]:
    return {
        "texts": tf.constant(cases.TEXTS),
        "tokens": cases.token_batches()[1][0],
        "num_samples": tf.constant(4),
        "num_texts": tf.constant(3),
        "seed": tf.constant(7),
        "temperature": tf.constant(0.8),
        "top_k": tf.constant(5),
        "top_p": tf.constant(0.9),
    }


def _han_inputs() -> dict[str, tf.Tensor]:
    return {
        "texts": tf.constant(cases.DOCUMENTS),
        "sentences": tf.constant(
            [["The cat sat.", "A hat."], ["Another mat", ""]]
        ),
        "tokens": tf.constant([[[4, 5, 6], [7, 0, 0]]]),
    }


def _sae_inputs() -> dict[str, tf.Tensor]:
    return {
        "texts": tf.constant(cases.TEXTS),
        **cases.bag_batches()[0][0],
    }


def _dmf_inputs() -> dict[str, tf.Tensor]:
    return {
        "row_ids": tf.constant([*cases.ROW_IDS, "nobody"]),
        "column_ids": tf.constant(cases.COLUMN_IDS),
        "row_features": tf.constant(np.eye(5)[:, :2], tf.float32),
        "k": tf.constant(2),
        "exclude_seen": tf.constant(True),
    }


# -- Runs ----------------------------------------------------------------------


def run(name: str, folder: pathlib.Path, epochs: int) -> None:
    """The command line of a run, without what comes after training."""
    data, flags = cases.RUNS[name]
    command = [
        "trainer.py",
        *flags,
        f"--epochs={epochs}",
        f"--data_dir={DATA / data}",
        f"--run_dir={folder}",
    ]
    with (
        mock.patch.object(runs, "_write_export"),
        mock.patch.object(runs, "print_results", return_value={}),
    ):
        status = trainer.main(command)
    if status:
        raise RuntimeError(f"{' '.join(command)}: ended with status {status}")


def run_values(name: str, archive: pathlib.Path) -> Values:
    """How a kept run goes on: figures of one more epoch, and the weights."""
    with tempfile.TemporaryDirectory() as folder, eagerly():
        folder = pathlib.Path(folder)
        shutil.unpack_archive(archive, folder)
        before = _rows(folder)
        kept = _weights("kept_weights", load_model(folder / "model.keras"))
        run(name, folder, cases.EPOCHS + 1)
        *earlier, last = _rows(folder)
        if earlier != before:
            raise AssertionError(f"{archive}: rows of metrics.csv have changed")
        now = _weights("weights", load_model(folder / "model.keras"))
    figures = {key: float(value) for key, value in last.items()}
    return plain({**kept, **_named("metrics", figures), **now})


def _rows(folder: pathlib.Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


# -- As JSON -------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Lists, strings and numbers; floats with the digits of float32."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value


def same(found: Any, expected: Any) -> bool:
    """Whether numbers agree to 1e-5, and all else exactly."""
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(same, found, expected))
        )
    if isinstance(expected, float) and isinstance(found, float | int):
        return bool(np.isclose(found, expected, rtol=1e-5, atol=1e-6))
    return found == expected
