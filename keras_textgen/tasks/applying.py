"""A trained model applied to what a user has: the modes that read `--input`.

Some hundred records are read, given to the model and written at a time, so
that memory does not grow with the input.
"""

import functools
import itertools
import operator
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import counted
from keras_textgen.cli.modes import MODES
from keras_textgen.cli.settings import RunError, Settings
from keras_textgen.data.corpus import DataError
from keras_textgen.data.formats.collect import checked_text, id_among
from keras_textgen.data.formats.outputs import Column, Row, opened_output
from keras_textgen.data.formats.records import Record, read_records
from keras_textgen.decoding.interpolation import homotopy
from keras_textgen.tasks.data import cell_columns, input_columns, read_input
from keras_textgen.tokens import UNKNOWN_ID

# Records that are read at a time; seconds between two lines of progress.
_RECORDS, _SECONDS = 1024, 30.0
# The most records that the model is given at a time, and the most characters
# of them, each counted with the length of the longest.
_BATCH, _CHARACTERS = 128, 50_000
_TEXT = Column("text", is_input=True)
Texts = Sequence[tuple[str, ...]]


class Application(NamedTuple):
    """What a mode makes of records.

    Attributes:
      columns: of the results.
      rows: the results of records; those of each in a list, in their order.
      of_unknown: the one row of a record that the model knows nothing of.
    """

    columns: Sequence[Column]
    rows: Callable[[Texts], Iterable[Sequence[Row]]]
    of_unknown: Callable[[Sequence[str]], Row] = lambda given: {}


def apply_model(settings: Settings, model: keras.Model) -> None:
    """Apply a model to `--input`, and write the results to `--output`.

    Args:
      settings: of the call.
      model: trained.

    Raises:
      RunError: if the model cannot do it.
      DataError: for what is wrong with the input.
    """
    try:
        _apply(settings, application_of(settings, model))
    except DataError:
        raise
    except ValueError as error:
        raise RunError(f"--mode={settings.mode}: {error}") from None


def application_of(settings: Settings, model: Any) -> Application:
    """What `--mode` makes of records.

    Args:
      settings: of a call; the mode is one of `READING`.
      model: trained.

    Returns:
      Its columns and its function.

    Raises:
      ValueError: if the model cannot do it.
    """
    return _APPLICATIONS[settings.mode](settings, model)


def _apply(settings: Settings, application: Application) -> None:
    records = read_input(settings)
    is_bound = any(each.name == _BOUND for each in application.columns)
    if is_bound and not settings.importance_samples:
        _say(
            "1 sample of each text, as the run has --importance_samples=0; "
            "more of them bring the bound nearer, such as "
            "--importance_samples=100"
        )
    counts = _Counts()
    with opened_output(settings.output, application.columns) as write:
        while chunk := list(itertools.islice(records, _RECORDS)):
            write(_results(chunk, application, counts))
            counts.say()
    counts.report()


def answers_of(
    function: Callable[[list[Any]], Iterable[Any]], given: Iterable[Any | None]
) -> Iterator[Any | None]:
    """What a function answers to each of what is known, in order.

    Args:
      function: from what is known, all at once, to an answer each; not called
        where nothing is known.
      given: None for what is not known.

    Returns:
      The answers; None for what is not known.

    Example:
    >>> list(answers_of(lambda words: map(len, words), ["rose", None, "a"]))
    [4, None, 1]
    """
    every = list(given)
    known = [each for each in every if each is not None]
    found = iter(function(known) if known else ())
    return (None if each is None else next(found) for each in every)


def _results(
    chunk: Sequence[Record], application: Application, counts: "_Counts"
) -> Iterator[Row]:
    """Rows of results in the order of the records."""
    found = answers_of(application.rows, (each.values for each in chunk))
    inputs = [each.name for each in application.columns if each.is_input]
    for record, rows in zip(chunk, found, strict=True):
        counts.add(record.where, is_empty=not rows)
        given = record.values or record.given
        shown = dict(zip(inputs, given, strict=False))
        for row in rows or [application.of_unknown(record.given)]:
            yield {**shown, **row}


class _Counts:
    """Says how far it is, and of which records there are no results."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()
        self._records = self._empty = 0
        self._first = ""

    def add(self, where: str, is_empty: bool) -> None:
        """Counts a record."""
        self._records += 1
        self._empty += is_empty
        if is_empty:
            self._first = self._first or where

    def say(self) -> None:
        """Says every half minute how many there were."""
        now = time.monotonic()
        if now - self._last >= _SECONDS:
            rate = self._records / (now - self._start)
            _say(f"{counted(self._records, 'record')}, {rate:,.0f} a second")
            self._last = now

    def report(self) -> None:
        """Says which records have no results."""
        if self._empty:
            _say(
                f"{self._first}: nothing in it that the model knows; the "
                f"results of {self._empty:,} of "
                f"{counted(self._records, 'record')} are empty"
            )


def _say(line: str) -> None:
    """Not among the results, which standard output may have."""
    print(line, file=sys.stderr, flush=True)


# -- Texts --------------------------------------------------------------------


def _of_texts(
    columns: Sequence[Column], rows: Callable[[list[str]], Iterable[Row]]
) -> Application:
    """A row of results for each text."""
    return Application(
        [_TEXT, *columns],
        lambda records: ([row] for row in rows([text for (text,) in records])),
    )


def _in_groups(
    function: Callable[[list[str]], Any], texts: Sequence[str]
) -> list[Any]:
    """The results of a function of texts, given those of like length at a time.

    One long text among many short ones would else make all as long as itself.
    """
    lengths = [len(text) for text in texts]
    order = sorted(range(len(texts)), key=lengths.__getitem__)
    results: list[Any] = [None] * len(texts)
    while order:
        group: list[int] = []
        while order and len(group) < _BATCH:
            size = max(lengths[order[0]], 1) * (len(group) + 1)
            if group and size > _CHARACTERS:
                break
            group.append(order.pop(0))
        found = function([texts[place] for place in group])
        for place, result in zip(group, found, strict=True):
            results[place] = result
    return results


def _encode(settings: Settings, model: Any) -> Application:
    is_topics = settings.spec.kind == "topics"
    size = model.latent_dim if is_topics else model.code_size

    columns = [Column("code", float, _numbers(size))]
    if is_topics:
        return Application([_TEXT, *columns], _codes_of_bags(model))

    def rows(texts: list[str]) -> Iterator[Row]:
        encode = functools.partial(model.encode, batch_size=_BATCH)
        return ({"code": each.tolist()} for each in _in_groups(encode, texts))

    return _of_texts(columns, rows)


def _codes_of_bags(model: Any) -> Callable[[Texts], Iterator[list[Row]]]:
    """Codes of texts with a known word."""

    def rows(records: Texts) -> Iterator[list[Row]]:
        batches = model.batches([text for (text,) in records])
        codes = model.encode(batches)
        for is_known, code in zip(batches.has_words, codes, strict=True):
            yield [{"code": code.tolist()}] if is_known else []

    return rows


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _score(settings: Settings, model: Any) -> Application:
    if settings.spec.kind == "matrices":
        return _score_cells(settings, model)
    name, log_likelihood = _log_likelihood(settings, model)
    unit = model.vocabulary.unit
    columns = [
        Column(name, float),
        Column(f"predicted_{unit}s", int),
        Column(f"unknown_{unit}s", int),
        Column(f"perplexity_per_{unit}{_PERPLEXITIES[name]}", float),
    ]
    names = [column.name for column in columns]

    def rows(texts: list[str]) -> Iterator[Row]:
        tokens = model.vocabulary.tokenize(texts)
        lengths = (tokens.row_lengths() - 1).numpy()
        unknown = tf.cast(tokens == UNKNOWN_ID, tf.int32)
        scores = np.asarray(_in_groups(log_likelihood, texts), np.float64)
        values = (
            scores,
            lengths,
            tf.reduce_sum(unknown, axis=1).numpy(),
            np.exp(-scores / lengths),
        )
        for row in zip(*(each.tolist() for each in values), strict=True):
            yield dict(zip(names, row, strict=True))

    return _of_texts(columns, rows)


_BOUND = "log_likelihood_at_least"
# How a perplexity is called: what a likelihood is at least, it is at most.
_PERPLEXITIES = {
    "log_likelihood": "",
    _BOUND: "_at_most",
    "log_likelihood_of_reconstruction": "_of_reconstruction",
}


def _log_likelihood(
    settings: Settings, model: Any
) -> tuple[str, Callable[[list[str]], Any]]:
    """What scores are called, as what they are, and a function to them."""
    if model.likelihood_kind == "exact":
        exact = functools.partial(model.log_likelihood, batch_size=_BATCH)
        return "log_likelihood", exact
    if not model.has_prior:
        score = model.in_graph("__call__")
        return (
            "log_likelihood_of_reconstruction",
            lambda texts: (
                -model.map_batches(lambda ids: score(ids)["nll"], texts, _BATCH)
            ),
        )
    samples = max(settings.importance_samples, 1)
    return _BOUND, functools.partial(
        model.log_likelihood, num_samples=samples, batch_size=_BATCH
    )


def _reconstruct(settings: Settings, model: Any) -> Application:
    direction = _direction(settings, model)
    options = {
        "beam_width": settings.beam_width,
        "ban_unknown": settings.ban_unknown,
    }

    def reconstruct(texts: list[str]) -> list[str]:
        if direction is None:
            return model.reconstruct(texts, batch_size=_BATCH, **options)
        return model.decode(model.encode(texts) + direction, **options)

    def rows(texts: list[str]) -> Iterator[Row]:
        return ({"reconstruction": x} for x in _in_groups(reconstruct, texts))

    return _of_texts([Column("reconstruction")], rows)


def _direction(settings: Settings, model: Any) -> np.ndarray | None:
    """What is added to every code: from the texts of --minus to --plus."""
    if settings.plus is None:
        return None
    strength = 1.0 if settings.strength is None else settings.strength
    plus, minus = (
        _mean_code(settings, path, model)
        for path in (settings.plus, settings.minus)
    )
    return strength * (plus - minus)


def _mean_code(settings: Settings, path: str, model: Any) -> np.ndarray:
    total, count = np.zeros(model.code_size), 0
    records = read_records(path, [settings.text_column or "text"], checked_text)
    while chunk := list(itertools.islice(records, _RECORDS)):
        texts = [record.values[0] for record in chunk if record.values]
        if texts:
            total += model.encode(texts).sum(axis=0, dtype=float)
            count += len(texts)
    if not count:
        raise DataError(f"{path}: no words; allowed: 1 text or more")
    return (total / count).astype(np.float32)


def _interpolate(settings: Settings, model: Any) -> Application:
    steps = settings.interpolation_steps
    columns = [
        *(Column(name, is_input=True) for name in MODES["interpolate"].reads),
        Column("step", int),
        Column("text"),
    ]

    def rows(pairs: Texts) -> Iterator[list[Row]]:
        starts, ends = (
            model.encode(list(each)) for each in zip(*pairs, strict=True)
        )
        for start, end in zip(starts, ends, strict=True):
            texts = model.decode(
                homotopy(start, end, steps)[0],
                settings.beam_width,
                settings.ban_unknown,
            )
            yield [
                {"step": step, "text": text}
                for step, text in enumerate(texts, 1)
            ]

    return Application(columns, rows)


def _classify(settings: Settings, model: Any) -> Application:
    names = tuple(map(str, model.label_names))
    columns = [
        _TEXT,
        Column("label"),
        Column("probability", float),
        Column("probability_of", float, names, is_named=True),
    ]

    def rows(records: Texts) -> Iterator[list[Row]]:
        answers = model.predictions([text for (text,) in records])
        for is_known, row in zip(
            answers["is_known"], answers["probabilities"], strict=True
        ):
            best = int(np.argmax(row))
            result = {
                "label": names[best],
                "probability": float(row[best]),
                "probability_of": row.tolist(),
            }
            yield [result] if is_known else []

    return Application(columns, rows)


def _topics(settings: Settings, model: Any) -> Application:
    words = [" ".join(each) for each in model.topic_words()]

    def rows(records: Texts) -> Iterator[list[Row]]:
        for topic in model.topics([text for (text,) in records]):
            result = {"topic": int(topic), "words": words[topic]}
            yield [result] if topic >= 0 else []

    columns = [_TEXT, Column("topic", int), Column("words")]
    return Application(columns, rows)


# -- Matrices -----------------------------------------------------------------


def _score_cells(settings: Settings, model: Any) -> Application:
    """The prediction for each pair of a row and a column."""
    names = input_columns(settings)
    known = set(model.row_ids), set(model.col_ids)

    def rows(pairs: Texts) -> Iterator[list[Row]]:
        cells = [tuple(map(id_among, known, pair)) for pair in pairs]
        are_known = [all(map(operator.contains, known, cell)) for cell in cells]
        of_model = list(itertools.compress(cells, are_known))
        values = iter(_predictions(model, of_model) if of_model else ())
        for is_known in are_known:
            yield [{"prediction": float(next(values))}] if is_known else []

    columns = [
        *(Column(name, is_input=True) for name in names),
        Column("prediction", float),
    ]
    return Application(columns, rows)


def _predictions(model: Any, cells: Texts) -> np.ndarray:
    rows, columns = (list(each) for each in zip(*cells, strict=True))
    row_name, column_name, _ = model.fields
    return model.predict({row_name: rows, column_name: columns}, verbose=0)


def _recommend(settings: Settings, model: Any) -> Application:
    (row_name,) = input_columns(settings)
    column_name = cell_columns(settings)[1]
    if len({row_name, column_name, "rank", "score"}) < 4:
        row_name, column_name = "row", "column"
    known = set(model.row_ids)
    exclude_seen = model.seen is not None

    def rows(records: Texts) -> Iterator[list[Row]]:
        ids = [id_among(known, each) for (each,) in records]
        of_model = [each for each in ids if each in known]
        best: Iterator[Any] = iter(())
        if of_model:
            found = model.recommend(
                of_model, settings.recommendations, exclude_seen
            )
            best = zip(found.ids, found.scores, strict=True)
        for each in ids:
            if each not in known:
                yield []
                continue
            columns, scores = next(best)
            yield [
                {
                    row_name: each,
                    "rank": rank,
                    column_name: str(column),
                    "score": float(score),
                }
                for rank, (column, score) in enumerate(
                    zip(columns, scores, strict=True), 1
                )
                if column
            ]

    columns = [
        Column(row_name),
        Column("rank", int),
        Column(column_name),
        Column("score", float),
    ]
    return Application(columns, rows, lambda given: {row_name: given[0]})


_APPLICATIONS: dict[str, Callable[[Settings, Any], Application]] = {
    "encode": _encode,
    "score": _score,
    "reconstruct": _reconstruct,
    "interpolate": _interpolate,
    "classify": _classify,
    "topics": _topics,
    "recommend": _recommend,
}
