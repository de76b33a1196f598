"""Endpoints beside those of the shell's modes: codes, attention, neighbors."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import fastapi
import numpy as np
import pydantic

from keras_textgen.checks import counted, refused
from keras_textgen.cli.modes import modes_of
from keras_textgen.cli.settings import Settings
from keras_textgen.data.formats.collect import checked_text
from keras_textgen.serve.worker import (
    Limits,
    Worker,
    check_records,
    known_records,
)
from keras_textgen.tasks.applying import answers_of, application_of

_MOST_NEIGHBORS = 100
# Of one text, the middle would be its own code.
_FEWEST = 2
Texts = Sequence[str]


class DecodeRequest(pydantic.BaseModel, extra="forbid"):
    """Codes, of as many numbers each as the model's."""

    codes: list[list[float]]


class AttentionRequest(pydantic.BaseModel, extra="forbid"):
    """Texts."""

    texts: list[str]


class NeighborsRequest(pydantic.BaseModel, extra="forbid"):
    """Texts, and how many neighbors of each."""

    texts: list[str]
    k: int = pydantic.Field(5, ge=1, le=_MOST_NEIGHBORS)


class ColumnsRequest(pydantic.BaseModel, extra="forbid"):
    """Ids of columns, and how many neighbors of each."""

    columns: list[str]
    k: int = pydantic.Field(5, ge=1, le=_MOST_NEIGHBORS)


def add_others(
    app: fastapi.FastAPI,
    settings: Settings,
    model: Any,
    worker: Worker,
    texts: Texts,
) -> None:
    """Add the endpoints that a model has beside its modes.

    Args:
        app: gets them: POST `/decode` with `{"codes": [[...]]}` where the
            model decodes; `/attention` with `{"texts": [...]}` of classifiers;
            `/neighbors` with `{"texts": [...], "k": 5}` where there are texts
            to be found, or `{"columns": [...], "k": 5}` of matrices.
        settings: of the run.
        model: trained.
        worker: lets it work.
        texts: among which neighbors are found.

    Raises:
        ValueError: There are texts, and the model has no codes of them.
    """
    if hasattr(model, "decode"):
        _add_decode(app, model, worker)
    if hasattr(model, "attention"):
        _add_attention(app, model, worker)
    if texts:
        codes = _codes_of(settings, model)
        _add_neighbors_of_texts(app, _Neighbors.of(texts, codes), codes, worker)
    if hasattr(model, "similar_columns"):
        _add_neighbors_of_columns(app, model, worker)


def _add_decode(app: fastapi.FastAPI, model: Any, worker: Worker) -> None:
    def answer(codes: list[list[float]]) -> list[str]:
        if not 1 <= len(codes) <= worker.limits.records:
            raise refused(
                counted(len(codes), "code"), f"1 to {worker.limits.records:,}"
            )
        if any(len(code) != model.code_size for code in codes):
            raise refused(
                "codes of other lengths",
                f"{counted(model.code_size, 'number')} each",
            )
        return model.decode(np.array(codes, np.float32))

    @app.post("/decode", summary="the text of each code")
    async def decode(body: DecodeRequest) -> dict[str, Any]:
        return {"results": await worker.run(answer, body.codes)}


def _add_attention(app: fastapi.FastAPI, model: Any, worker: Worker) -> None:
    def answer(texts: list[str]) -> list[Any]:
        shown = answers_of(model.attention, _checked(texts, worker.limits))
        return [
            None
            if each is None or not each.is_known
            else {
                "sentences": [
                    {
                        "weight": round(float(weight), 6),
                        "words": words,
                        "weights": np.round(weights, 6).tolist(),
                    }
                    for weight, words, weights in zip(
                        each.sentence_weights,
                        each.words,
                        each.word_weights,
                        strict=True,
                    )
                ]
            }
            for each in shown
        ]

    @app.post("/attention", summary="what each text is classified by")
    async def attention(body: AttentionRequest) -> dict[str, Any]:
        return {"results": await worker.run(answer, body.texts)}


def _checked(texts: list[str], limits: Limits) -> list[str | None]:
    """The texts as the shell reads them; None for one without words."""
    records = [(text,) for text in texts]
    check_records("texts", records, 1, limits)
    return [
        None if each is None else each[0]
        for each in known_records(records, checked_text)
    ]


# -- Neighbors ----------------------------------------------------------------


class _Neighbors(NamedTuple):
    """Texts that are found by their codes.

    Attributes:
        texts: N of them.
        middle: the mean of their codes, float [D], from which all codes are
            looked at: most of what they have in common tells nothing.
        units: their codes from there, of length 1 each, float [N, D].
    """

    texts: Texts
    middle: np.ndarray
    units: np.ndarray

    @classmethod
    def of(
        cls, texts: Texts, encode: Callable[[Texts], list[Any]]
    ) -> "_Neighbors":
        """Encodes texts; those that the model does not know are left out."""
        pairs = [
            (text, code)
            for text, code in zip(texts, encode(texts), strict=True)
            if code is not None
        ]
        if len(pairs) < _FEWEST:
            raise refused(
                f"{counted(len(pairs), 'text')} with a known word to be found",
                f"{_FEWEST} or more",
            )
        known, vectors = zip(*pairs, strict=True)
        codes = np.array(vectors)
        middle = codes.mean(axis=0)
        return cls(known, middle, _units(codes - middle))

    def nearest(self, code: Sequence[float], k: int) -> list[dict[str, Any]]:
        """The texts of the highest cosines, the highest first."""
        cosines = self.units @ _units(np.array([code]) - self.middle)[0]
        best = np.argsort(-cosines, kind="stable")[:k]
        return [
            {"text": self.texts[each], "cosine": round(float(cosines[each]), 6)}
            for each in best
        ]


def _units(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _codes_of(settings: Settings, model: Any) -> Callable[[Texts], list[Any]]:
    """What encodes texts; None for one that the model knows nothing of.

    Raises:
        ValueError: the model has no codes.
    """
    if "encode" not in modes_of(settings.model):
        raise refused(
            f"neighbors of texts by {settings.model}, which has no codes",
            "a model with --mode=encode",
        )
    application = application_of(
        dataclasses.replace(settings, mode="encode"), model
    )

    def codes(texts: Texts) -> list[Any]:
        rows = application.rows([(text,) for text in texts])
        return [found[0]["code"] if found else None for found in rows]

    return codes


def _add_neighbors_of_texts(
    app: fastapi.FastAPI,
    neighbors: _Neighbors,
    codes: Callable[[Texts], list[Any]],
    worker: Worker,
) -> None:
    def answer(body: NeighborsRequest) -> list[Any]:
        return [
            None if code is None else neighbors.nearest(code, body.k)
            for code in answers_of(codes, _checked(body.texts, worker.limits))
        ]

    @app.post("/neighbors", summary="the texts with the most similar codes")
    async def of_texts(body: NeighborsRequest) -> dict[str, Any]:
        return {"results": await worker.run(answer, body)}


def _add_neighbors_of_columns(
    app: fastapi.FastAPI, model: Any, worker: Worker
) -> None:
    known = set(model.col_ids)

    def neighbors(columns: list[str], k: int) -> Iterator[list[dict[str, Any]]]:
        similar = model.similar_columns(columns, k)
        for ids, scores in zip(similar.ids, similar.scores, strict=True):
            yield [
                {"column": str(name), "cosine": round(float(cosine), 6)}
                for name, cosine in zip(ids, scores, strict=True)
            ]

    def answer(body: ColumnsRequest) -> list[Any]:
        records = [(column,) for column in body.columns]
        check_records("columns", records, 1, worker.limits)
        return list(
            answers_of(
                lambda columns: neighbors(columns, body.k),
                (each if each in known else None for each in body.columns),
            )
        )

    @app.post("/neighbors", summary="the columns that rows value alike")
    async def of_columns(body: ColumnsRequest) -> dict[str, Any]:
        return {"results": await worker.run(answer, body)}
