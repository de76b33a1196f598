"""The application that answers requests: one endpoint a mode of the shell."""

import asyncio
import dataclasses
import functools
import importlib.resources
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NamedTuple

import fastapi
import numpy as np
import prometheus_client
import pydantic
from fastapi.responses import HTMLResponse, JSONResponse, Response

from keras_textgen.checks import counted, refused
from keras_textgen.cli.modes import MODES, modes_of
from keras_textgen.cli.settings import SETTINGS, RunError, Settings
from keras_textgen.data.formats.collect import (
    NoWordsError,
    checked_id_or_none,
    checked_text,
)
from keras_textgen.data.formats.outputs import json_row
from keras_textgen.tasks.applying import application_of
from keras_textgen.tasks.data import input_columns
from keras_textgen.tasks.generating import sample_texts

# What a request may say beside its records, by mode: settings of the shell.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "score": ("importance_samples",),
    "reconstruct": ("beam_width",),
    "interpolate": ("interpolation_steps", "beam_width"),
    "recommend": ("recommendations",),
    "generate": (
        "num_samples",
        "seed",
        "sampling_temperature",
        "top_k",
        "top_p",
        "prefix",
        "condition_on",
    ),
}
# The most that a request may ask for, as time and memory grow with it.
_MOST = {
    "importance_samples": 1000,
    "beam_width": 50,
    "interpolation_steps": 100,
    "recommendations": 1000,
    "num_samples": 1000,
}
_BUSY, _TOO_LONG, _TOO_LARGE, _NO_LENGTH = 503, 504, 413, 411
_PAGE = "page.html"


class Limits(NamedTuple):
    """What is refused.

    Attributes:
        records: most texts, rows or samples of a request.
        characters: most of a text.
        bytes: most of a request.
        waiting: most requests at a time; further ones are told to come later.
        at_once: requests that the model works on at a time.
        seconds: until a request is given up.
    """

    records: int = 1000
    characters: int = 20_000
    bytes: int = 10_000_000
    waiting: int = 64
    at_once: int = 2
    seconds: float = 60.0


_LIMITS = Limits()
_CODES = fastapi.Body(embed=True)


def make_app(
    settings: Settings, model: Any, limits: Limits = _LIMITS
) -> fastapi.FastAPI:
    """An application that serves a model.

    Args:
        settings: of the run that has trained it.
        model: trained.
        limits: on requests.

    Returns:
        An ASGI application: POST to the name of a mode with `{"texts": [...]}`
        (or `pairs`, `rows`, `cells`), which answers `{"results": [...]}`, null
        for a record that the model knows nothing of; GET `/health`, `/metrics`
        (of Prometheus), `/docs` (OpenAPI) and `/`, a page to try it on.
    """
    app = fastapi.FastAPI(
        title=f"{settings.model} on {settings.dataset}",
        description=f"A model of keras_textgen: {settings.spec.help}.",
    )
    worker = _Worker(limits)
    metrics = _Metrics()
    app.middleware("http")(functools.partial(_guarded, limits, metrics))
    for kind in (ValueError, RunError):
        app.exception_handler(kind)(_told)
    app.exception_handler(Exception)(_failed)
    app.exception_handler(fastapi.exceptions.RequestValidationError)(_invalid)
    for mode in modes_of(settings.model):
        if MODES[mode].reads:
            _add_mode(app, mode, settings, model, worker)
    if "generate" in modes_of(settings.model):
        _add_generate(app, settings, model, worker)
    if hasattr(model, "decode"):
        _add_decode(app, model, worker)

    @app.get("/health")
    def health() -> dict[str, str]:
        """That the server answers, and of what."""
        return {"status": "ok", "model": settings.model}

    @app.get("/metrics")
    def prometheus() -> Response:
        """Requests by endpoint and status, and their times."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def page() -> str:
        return _page()

    return app


# -- Endpoints ----------------------------------------------------------------


def _add_mode(
    app: fastapi.FastAPI,
    mode: str,
    settings: Settings,
    model: Any,
    worker: "_Worker",
) -> None:
    """An endpoint for a mode that reads records."""
    base = dataclasses.replace(settings, mode=mode)
    is_of_ids = settings.spec.kind == "matrices"
    checked = checked_id_or_none if is_of_ids else checked_text
    width = len(input_columns(base))
    field = _field_of(settings, mode, width)
    kind: Any = list[str] if width == 1 else list[list[str]]
    request = _request(mode, {field: (kind, ...)}, _options(settings, mode))

    def answer(given: dict[str, Any]) -> list[Any]:
        records = [
            (each,) if width == 1 else tuple(each) for each in given.pop(field)
        ]
        _check(field, records, width, worker.limits)
        asked = _with(base, given, worker.limits)
        application = application_of(asked, model)
        columns = [each for each in application.columns if not each.is_input]
        results: list[Any] = []
        for rows in _in_order(application.rows, _known(records, checked)):
            shown = [json_row(columns, row) for row in rows]
            is_list = mode in ("interpolate", "recommend")
            results.append((shown if is_list else shown[0]) if shown else None)
        return results

    async def endpoint(body: request) -> dict[str, Any]:  # type: ignore[valid-type]
        given = body.model_dump(exclude_none=True)  # type: ignore[attr-defined]
        return {"results": await worker.run(answer, given)}

    app.post(f"/{mode}", summary=MODES[mode].help)(endpoint)


def _request(
    mode: str, fields: dict[str, Any], options: Sequence[str]
) -> type[pydantic.BaseModel]:
    """What a request to a mode looks like; other names are refused."""
    described = {
        name: (Any, pydantic.Field(None, description=SETTINGS[name].help))
        for name in options
    }
    return pydantic.create_model(
        f"{mode.capitalize()}Request",
        __config__=pydantic.ConfigDict(extra="forbid"),
        **{**fields, **described},
    )


def _known(
    records: Sequence[tuple[str, ...]], checked: Callable[[str, Any], str]
) -> Iterator[tuple[str, ...] | None]:
    """Records as the shell reads them; None for one without words."""
    for number, record in enumerate(records):
        try:
            yield tuple(checked(f"record {number}", each) for each in record)
        except NoWordsError:
            yield None


def _in_order(
    rows: Callable[[Sequence[tuple[str, ...]]], Any],
    records: Iterator[tuple[str, ...] | None],
) -> Iterator[Any]:
    """The results of records; of one without words, none."""
    every = list(records)
    known = [each for each in every if each is not None]
    found = iter(rows(known) if known else ())
    for each in every:
        yield [] if each is None else next(found)


def _field_of(settings: Settings, mode: str, width: int) -> str:
    if settings.spec.kind == "matrices":
        return "rows" if width == 1 else "cells"
    return "texts" if width == 1 else "pairs"


def _options(settings: Settings, mode: str) -> tuple[str, ...]:
    """Settings that the mode has of this model."""
    names = _OPTIONS.get(mode, ())
    return tuple(
        name
        for name in names
        if not SETTINGS[name].takes
        or settings.spec.is_one_of(SETTINGS[name].takes)
    )


def _with(
    settings: Settings, given: dict[str, Any], limits: Limits
) -> Settings:
    """Settings with those of a request.

    Raises:
        RunError: one is out of its range.
    """
    values = {}
    for name, value in given.items():
        try:
            values[name] = SETTINGS[name].parser.parse(str(value))
        except ValueError as error:
            raise RunError(f"{name}={value!r:.40}: {error}") from None
        if isinstance(value, str) and len(value) > limits.characters:
            raise refused(
                f"{name} of {counted(len(value), 'character')}",
                f"at most {limits.characters:,}",
            )
        if name in _MOST and values[name] > _MOST[name]:
            raise refused(f"{name}={value}", f"at most {_MOST[name]:,}")
    return dataclasses.replace(settings, **values)


def _check(
    field: str, records: Sequence[tuple[str, ...]], width: int, limits: Limits
) -> None:
    if not 1 <= len(records) <= limits.records:
        raise refused(f"{len(records)} {field}", f"1 to {limits.records:,}")
    for number, each in enumerate(records):
        if len(each) != width:
            raise refused(
                f"{field}[{number}] of {counted(len(each), 'text')}", f"{width}"
            )
        longest = max(map(len, each))
        if longest > limits.characters:
            raise refused(
                f"{field}[{number}] of {counted(longest, 'character')}",
                f"at most {limits.characters:,}",
            )


def _add_generate(
    app: fastapi.FastAPI, settings: Settings, model: Any, worker: "_Worker"
) -> None:
    request = _request("generate", {}, _options(settings, "generate"))
    base = dataclasses.replace(settings, mode="generate")

    def answer(given: dict[str, Any]) -> list[str]:
        asked = _with(base, given, worker.limits)
        return sample_texts(asked, model, asked.num_samples, asked.seed)

    async def endpoint(body: request) -> dict[str, Any]:  # type: ignore[valid-type]
        given = body.model_dump(exclude_none=True)  # type: ignore[attr-defined]
        return {"results": await worker.run(answer, given)}

    app.post("/generate", summary=MODES["generate"].help)(endpoint)


def _add_decode(app: fastapi.FastAPI, model: Any, worker: "_Worker") -> None:
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

    async def endpoint(
        codes: list[list[float]] = _CODES,
    ) -> dict[str, Any]:
        return {"results": await worker.run(answer, codes)}

    app.post("/decode", summary="the text of each code")(endpoint)


# -- Limits, errors, figures --------------------------------------------------


class _Worker:
    """Lets the model work on a few requests at a time, and refuses many."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self._inside = 0

    async def run(self, answer: Callable[[Any], Any], given: Any) -> Any:
        """What a function answers, computed in a thread.

        Raises:
            HTTPException: 503 if too many wait, 504 if it takes too long.
        """
        if self._inside >= self.limits.waiting:
            raise fastapi.HTTPException(
                _BUSY,
                f"{self._inside} requests wait; allowed: {self.limits.waiting}",
                {"Retry-After": "1"},
            )
        # What is given up goes on, as no thread can be stopped, and keeps its
        # place until it ends.
        work = asyncio.ensure_future(self._run(answer, given))
        try:
            return await asyncio.wait_for(
                asyncio.shield(work), self.limits.seconds
            )
        except TimeoutError:
            work.add_done_callback(_forgotten)
            raise fastapi.HTTPException(
                _TOO_LONG,
                f"not done after {self.limits.seconds:g} s; allowed: fewer "
                "or shorter records",
            ) from None

    async def _run(self, answer: Callable[[Any], Any], given: Any) -> Any:
        self._inside += 1
        try:
            async with self._free:
                return await asyncio.to_thread(answer, given)
        finally:
            self._inside -= 1


def _forgotten(work: asyncio.Future) -> None:
    """Nobody waits for the answer any more, nor for the error."""
    if not work.cancelled():
        work.exception()


class _Metrics:
    """Requests, as Prometheus counts them."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "keras_textgen_requests",
            "Requests by endpoint and status.",
            ["endpoint", "status"],
            registry=self._registry,
        )
        self._seconds = prometheus_client.Histogram(
            "keras_textgen_seconds",
            "Seconds of requests by endpoint.",
            ["endpoint"],
            registry=self._registry,
        )

    def add(self, endpoint: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def text(self) -> bytes:
        """All figures."""
        return prometheus_client.generate_latest(self._registry)


async def _guarded(
    limits: Limits,
    metrics: _Metrics,
    request: fastapi.Request,
    call_next: Callable[[fastapi.Request], Awaitable[Response]],
) -> Response:
    """Refuses what is too large before it is read, and counts requests."""
    start = time.monotonic()
    response = _too_large(limits, request)
    if response is None:
        response = await call_next(request)
    route = request.scope.get("route")
    endpoint = getattr(route, "path", "other")
    metrics.add(endpoint, response.status_code, time.monotonic() - start)
    return response


def _too_large(limits: Limits, request: fastapi.Request) -> Response | None:
    if request.method != "POST":
        return None
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return _error(_NO_LENGTH, "a request without a content-length")
    if int(length) > limits.bytes:
        return _error(
            _TOO_LARGE,
            f"a request of {counted(int(length), 'byte')}; allowed: at most "
            f"{limits.bytes:,}",
        )
    return None


async def _failed(request: fastapi.Request, error: Exception) -> Response:
    """What nobody has foreseen; the server's log has the traceback."""
    del request
    return _error(500, f"the model failed ({type(error).__name__})")


async def _told(request: fastapi.Request, error: Exception) -> Response:
    del request
    return _error(422, str(error))


async def _invalid(request: fastapi.Request, error: Exception) -> Response:
    """The first thing that is wrong with a request, in one line."""
    del request
    assert isinstance(error, fastapi.exceptions.RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(each) for each in first["loc"] if each != "body")
    return _error(422, f"{place or 'body'}: {first['msg']}")


def _error(status: int, text: str) -> JSONResponse:
    return JSONResponse({"detail": " ".join(text.splitlines())}, status)


def _page() -> str:
    files = importlib.resources.files("keras_textgen.serve")
    return (files / _PAGE).read_text("utf-8")
