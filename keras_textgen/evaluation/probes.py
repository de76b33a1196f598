"""Do codes still classify: classifiers on fixed representations of texts."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from keras_textgen.checks import counted, refused
from keras_textgen.data.batches.sequences import SequenceBatches
from keras_textgen.data.readers.files import SPLITS
from keras_textgen.data.views import TokenIds
from keras_textgen.evaluation.sparsity import (
    Codes,
    code_views,
    hoyer,
    normalized,
)
from keras_textgen.evaluation.text_tables import aligned, csv_text
from keras_textgen.evaluation.watching import Watch, unwatched
from keras_textgen.tokens import END_ID, START_ID

MAJORITY = "majority class"
BAG_OF_WORDS = "bag of words"

# L2 penalties that are tried, from strong to weak.
_LINEAR_C = (0.001, 0.01, 0.1, 1.0, 10.0)
_HIDDEN_ALPHA = (10.0, 1.0, 0.1, 0.001)
_LINEAR_STEPS = 1000
_HIDDEN_UNITS = 64
_STEPS_PER_EPOCH = 20
_BATCH_SIZES = (16, 256)
_MAX_EPOCHS = 100
_PATIENCE = 5
_SMALLEST_RISE = 0.001
# A probability or variance that is 0, and the relative rounding of variances.
_ALMOST_ZERO = 1e-12
_ROUNDING = 1e-8
_ENCODING_BATCH = 256


@dataclasses.dataclass(frozen=True)
class ProbeRow:
    """How well the classes can be read off one representation.

    Attributes:
        representation: its name.
        dimensions: its width; 0 for the majority class.
        nonzero: share of the entries that are not 0, in the test set.
        hoyer: sparsity of the test set, normalized; NaN if all is 0, None of a
            single dimension.
        linear_accuracy: of logistic regression, on the test set.
        hidden_layer_accuracy: of a network with one hidden layer.
        converged: whether logistic regression reached its optimum.
    """

    representation: str
    dimensions: int
    nonzero: float | None
    hoyer: float | None
    linear_accuracy: float
    hidden_layer_accuracy: float | None
    converged: bool = True


def probe(
    labels: dict[str, np.ndarray],
    representations: dict[str, dict[str, Codes]],
    seed: int = 0,
    *,
    watch: Watch = unwatched,
) -> list[ProbeRow]:
    """Trains classifiers on representations that stay as they are.

    Logistic regression, and a network with one hidden layer of 64 ReLU units
    (Adam, stopped when the log-likelihood of the validation split has not risen
    by 0.001 for 5 epochs). Both are trained on the training split, with the L2
    penalty of a fixed grid whose accuracy is best on the validation split, and
    scored on the test split.

    Dense codes are standardized and decorrelated first: otherwise the network
    would not find, in the steps it is given, what is in directions of little
    variance. Sparse codes are scaled to unit variance, and counts, which are of
    an integer type, are taken as they are.

    Args:
        labels: Classes by split ("train", "valid", "test"), int [N] each.
        representations: By name, then by split: [N, D] each.
        seed: Of the network.
        watch: Sees how the representations are done one by one.

    Returns:
        A row for the class that is most frequent in training, then one for
        each representation.

    Raises:
        ValueError: If a split is empty, if its lengths differ, or if all
            training texts are of one class.

    Example:
        >>> labels = {split: np.arange(40) % 2 for split in SPLITS}
        >>> codes = {
        ...     split: np.stack([classes - 0.5, classes + 1.0], axis=1)
        ...     for split, classes in labels.items()
        ... }
        >>> majority, row = probe(labels, {"told": codes})
        >>> majority.linear_accuracy, row.linear_accuracy
        (0.5, 1.0)
    """
    _check_labels(labels)
    for name, splits in representations.items():
        _check_lengths(labels, name, splits)
    rows = [_majority(labels)]
    # More threads hardly help here, and waiting for each other they can take
    # many times as long on a busy machine.
    with threadpool_limits(1):
        sizes = [1.0] * len(representations)
        for name, splits in watch(
            representations.items(), "classifiers on codes", sizes=sizes
        ):
            rows.append(_probe_one(labels, name, splits, seed))
    return rows


def probe_corpus(
    corpus: TokenIds,
    models: dict[str, Any],
    seed: int = 0,
    *,
    watch: Watch = unwatched,
) -> list[ProbeRow]:
    """Probes the codes of models beside a bag of words.

    Args:
        corpus: With labels.
        models: By the names that the rows begin with, trained on `corpus`.
        seed: Of samples and networks.
        watch: As in `probe`.

    Returns:
        As `probe`: the majority class, the bag of words, and the
        representations of each model.

    Raises:
        ValueError: As `probe` does.
    """
    _check_labels(corpus.labels)
    sequences = {split: getattr(corpus, split) for split in SPLITS}
    size = corpus.vocabulary.size
    found = {
        BAG_OF_WORDS: {
            split: bag_of_words(each, size) for split, each in sequences.items()
        }
    }
    for name, model in models.items():
        for number, (split, each) in enumerate(sequences.items()):
            codes = representations(model, each, seed + number)
            for view, values in codes.items():
                found.setdefault(f"{name}: {view}", {})[split] = values
    return probe(corpus.labels, found, seed, watch=watch)


def representations(
    model: Any, sequences: tf.RaggedTensor, seed: int = 0
) -> dict[str, np.ndarray]:
    """What a classifier can be given in place of texts.

    Args:
        model: A text model with latent variables.
        sequences: Token ids of N sequences.
        seed: Of the samples.

    Returns:
        float32 [N, D] by name: of a sparse model, its `code_views` and "masked
        mean", the codes with 0 where a dimension is off; of others "mean".
    """
    batches = SequenceBatches(sequences, _ENCODING_BATCH)
    if not hasattr(model, "code_views"):
        return {"mean": model.encode(batches)[:, model.latent_columns]}
    views = code_views(model, batches, seed)
    named = {name.replace("_", " "): codes for name, codes in views.items()}
    return named | {"masked mean": model.encode(batches, sparse=True).toarray()}


def bag_of_words(
    sequences: tf.RaggedTensor, size: int
) -> scipy.sparse.csr_matrix:
    """Counts the words of each sequence.

    Args:
        sequences: Token ids of N sequences.
        size: Of the vocabulary.

    Returns:
        int32 [N, size]; start and end tokens are not counted.

    Example:
        >>> tokens = tf.ragged.constant([[2, 5, 4, 5, 3], [2, 3]])
        >>> bag_of_words(tokens, 6).toarray().tolist()
        [[0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 0, 0]]
    """
    ids, rows = sequences.flat_values.numpy(), sequences.value_rowids().numpy()
    is_word = (ids != START_ID) & (ids != END_ID)
    places = rows[is_word], ids[is_word]
    ones = np.ones(np.count_nonzero(is_word), np.int32)
    shape = int(sequences.nrows()), size
    # Repeated places are added up.
    return scipy.sparse.csr_matrix((ones, places), shape)


def format_probes(rows: list[ProbeRow]) -> str:
    """Sets rows as an aligned table.

    Args:
        rows: What `probe` returned.

    Returns:
        A head and a line for each row; a note if an optimum was not reached.

    Example:
        >>> print(
        ...     format_probes(
        ...         [
        ...             ProbeRow("majority class", 0, None, None, 0.1, None),
        ...             ProbeRow("HSVAE: mean", 32, 1.0, 0.25, 0.5, 0.625),
        ...         ]
        ...     )
        ... )
        representation  dimensions  nonzero  Hoyer  linear  hidden layer
        majority class           -        -      -   0.100             -
        HSVAE: mean             32    1.000  0.250   0.500         0.625
    """
    table = [
        (
            "representation",
            "dimensions",
            "nonzero",
            "Hoyer",
            "linear",
            "hidden layer",
        ),
        *map(_cells, rows),
    ]
    lines = [aligned(table, range(1, len(table[0])))]
    if not all(row.converged for row in rows):
        lines.append(
            f"* stopped after {counted(_LINEAR_STEPS, 'step')}, not converged"
        )
    return "\n".join(lines)


def probes_csv(rows: list[ProbeRow]) -> str:
    """Sets rows as CSV, with the attributes of `ProbeRow` as its head.

    Args:
        rows: What `probe` returned.

    Returns:
        The text; what does not apply is empty.

    Example:
        >>> row = ProbeRow("majority class", 0, None, None, 0.1, None)
        >>> print(probes_csv([row]), end="")
        representation,dimensions,nonzero,hoyer,linear_accuracy,...
        majority class,0,,,0.1,,True
    """
    names = [field.name for field in dataclasses.fields(ProbeRow)]
    return csv_text([names, *map(dataclasses.astuple, rows)])


def _check_labels(labels: dict[str, np.ndarray]) -> None:
    for split in SPLITS:
        if not len(labels.get(split, [])):
            raise refused(
                f"no labels in {split}",
                f"a class for each text of {', '.join(SPLITS)}",
            )
    classes = np.unique(labels["train"])
    if len(classes) < 2:
        raise refused(
            f"all training texts are of class {classes[0]}", "2 classes or more"
        )


def _check_lengths(
    labels: dict[str, np.ndarray], name: str, splits: dict[str, Codes]
) -> None:
    for split in SPLITS:
        if splits[split].shape[0] != len(labels[split]):
            raise refused(
                f"{name}: {counted(splits[split].shape[0], 'code')} and "
                f"{counted(len(labels[split]), 'label')} in {split}",
                "a label for each code",
            )


def _majority(labels: dict[str, np.ndarray]) -> ProbeRow:
    nothing = {
        split: np.zeros([len(each), 1]) for split, each in labels.items()
    }
    model = DummyClassifier(strategy="most_frequent")
    model.fit(nothing["train"], labels["train"])
    accuracy = model.score(nothing["test"], labels["test"])
    return ProbeRow(MAJORITY, 0, None, None, float(accuracy), None)


def _probe_one(
    labels: dict[str, np.ndarray],
    name: str,
    splits: dict[str, Codes],
    seed: int,
) -> ProbeRow:
    test = splits["test"]
    inputs = _inputs(splits)
    linear = max(
        (_linear(labels, inputs, penalty) for penalty in _LINEAR_C),
        key=lambda result: result.valid,
    )
    hidden = max(
        (_hidden_layer(labels, inputs, each, seed) for each in _HIDDEN_ALPHA),
        key=lambda result: result.valid,
    )
    count = np.count_nonzero(test) if isinstance(test, np.ndarray) else test.nnz
    return ProbeRow(
        name,
        test.shape[1],
        float(count / np.prod(test.shape)),
        hoyer(normalized(test)) if test.shape[1] > 1 else None,
        linear.test,
        hidden.test,
        linear.converged,
    )


@dataclasses.dataclass(frozen=True)
class _Result:
    valid: float
    test: float
    converged: bool = True


def _inputs(splits: dict[str, Codes]) -> dict[str, Codes]:
    """What the classifiers see, by statistics of the training split."""
    train = splits["train"].astype(float)
    if np.issubdtype(splits["train"].dtype, np.integer):
        return {split: each.astype(float) for split, each in splits.items()}
    if scipy.sparse.issparse(train):
        scaler = StandardScaler(with_mean=False).fit(train)
        return {s: scaler.transform(e.astype(float)) for s, e in splits.items()}
    scaler = StandardScaler().fit(train)
    rotation = _decorrelation(scaler.transform(train))
    return {s: scaler.transform(e) @ rotation for s, e in splits.items()}


def _decorrelation(codes: np.ndarray) -> np.ndarray:
    """The matrix [D, D] that makes centered codes uncorrelated, of variance 1.

    Directions without variance up to rounding are not blown up.
    """
    variances, directions = np.linalg.eigh(codes.T @ codes / len(codes))
    smallest = max(_ROUNDING * variances[-1], _ALMOST_ZERO)
    return directions / np.sqrt(np.maximum(variances, smallest))


def _linear(
    labels: dict[str, np.ndarray], inputs: dict[str, Codes], penalty: float
) -> _Result:
    model = LogisticRegression(C=penalty, max_iter=_LINEAR_STEPS)
    with warnings.catch_warnings():
        # The result says so instead.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs["train"], labels["train"])
    return _Result(
        model.score(inputs["valid"], labels["valid"]),
        model.score(inputs["test"], labels["test"]),
        bool(np.max(model.n_iter_) < _LINEAR_STEPS),
    )


def _hidden_layer(
    labels: dict[str, np.ndarray],
    inputs: dict[str, Codes],
    penalty: float,
    seed: int,
) -> _Result:
    """The result of the best epoch, by the validation split."""
    model = MLPClassifier(
        (_HIDDEN_UNITS,),
        alpha=penalty,
        batch_size=_batch_size(len(labels["train"])),
        # A generator, so that every epoch shuffles in another way.
        random_state=np.random.RandomState(seed),
    )
    classes = np.unique(labels["train"])
    best, result, waited = -np.inf, None, 0
    for epoch in range(_MAX_EPOCHS):
        # Each call is one epoch.
        model.partial_fit(
            inputs["train"],
            labels["train"],
            classes=None if epoch else classes,
        )
        likelihood = _log_likelihood(model, inputs["valid"], labels["valid"])
        waited += 1
        if likelihood > best + _SMALLEST_RISE:
            best, waited = likelihood, 0
            result = _Result(
                model.score(inputs["valid"], labels["valid"]),
                model.score(inputs["test"], labels["test"]),
            )
        if waited == _PATIENCE:
            break
    return result


def _batch_size(rows: int) -> int:
    smallest, largest = _BATCH_SIZES
    return min(max(rows // _STEPS_PER_EPOCH, smallest), largest, rows)


def _log_likelihood(
    model: MLPClassifier, inputs: Codes, labels: np.ndarray
) -> float:
    """The mean over rows; a class that training lacks has no probability."""
    probabilities = model.predict_proba(inputs)
    is_own = labels[:, np.newaxis] == model.classes_
    own = np.sum(probabilities, axis=1, where=is_own)
    return float(np.mean(np.log(np.maximum(own, _ALMOST_ZERO))))


def _cells(row: ProbeRow) -> tuple[str, ...]:
    linear = f"{row.linear_accuracy:.3f}"
    return (
        row.representation,
        f"{row.dimensions:,}" if row.dimensions else "-",
        _figure(row.nonzero),
        _figure(row.hoyer),
        linear if row.converged else f"{linear}*",
        _figure(row.hidden_layer_accuracy),
    )


def _figure(value: float | None) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.3f}"
