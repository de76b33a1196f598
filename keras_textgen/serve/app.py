"""The application that answers requests: one endpoint a mode of the shell."""

import dataclasses
import functools
import importlib.resources
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import fastapi
import prometheus_client
import pydantic
from fastapi.responses import HTMLResponse, JSONResponse, Response

from keras_textgen.checks import counted, refused
from keras_textgen.cli.in_vain import check_given
from keras_textgen.cli.modes import MODES, modes_of
from keras_textgen.cli.settings import SETTINGS, RunError, Settings
from keras_textgen.data.formats.collect import (
    checked_id_or_none,
    checked_text,
)
from keras_textgen.data.formats.outputs import json_row
from keras_textgen.serve.others import add_others
from keras_textgen.serve.worker import (
    Limits,
    Worker,
    check_records,
    known_records,
)
from keras_textgen.tasks.applying import answers_of, application_of
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
_TOO_LARGE, _NO_LENGTH = 413, 411
_PAGE = "page.html"
_LIMITS = Limits()


def make_app(
    settings: Settings,
    model: Any,
    limits: Limits = _LIMITS,
    texts: Sequence[str] = (),
) -> fastapi.FastAPI:
    """An application that serves a model.

    Args:
        settings: of the run that has trained it.
        model: trained.
        limits: on requests.
        texts: among which neighbors of a text are found; none if empty.

    Returns:
        An ASGI application: POST to the name of a mode with `{"texts": [...]}`
        (or `pairs`, `rows`, `cells`), which answers `{"results": [...]}`, null
        for a record that the model knows nothing of; POST `/decode`,
        `/attention` and `/neighbors`, of the models that have codes, attention
        or vectors, see `keras_textgen.serve.others`; GET `/health`, `/metrics`
        (of Prometheus), `/docs` (OpenAPI) and `/`, a page to try it on.
    """
    app = fastapi.FastAPI(
        title=f"{settings.model} on {settings.dataset}",
        description=f"A model of keras_textgen: {settings.spec.help}.",
    )
    worker = Worker(limits)
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
    add_others(app, settings, model, worker, texts)

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
    worker: Worker,
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
        check_records(field, records, width, worker.limits)
        asked = _with(base, given, worker.limits)
        application = application_of(asked, model)
        columns = [each for each in application.columns if not each.is_input]
        results: list[Any] = []
        is_list = mode in ("interpolate", "recommend")
        for rows in answers_of(
            application.rows, known_records(records, checked)
        ):
            shown = [json_row(columns, row) for row in rows or ()]
            results.append((shown if is_list else shown[0]) if shown else None)
        return results

    _post(app, mode, request, worker, answer)


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
        RunError: one is out of its range, or without an effect.
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
    asked = dataclasses.replace(settings, **values)
    try:
        check_given(asked, {}, values, {})
    except RunError as error:
        # A request has no flags.
        raise RunError(str(error).replace("--", "")) from None
    return asked


def _add_generate(
    app: fastapi.FastAPI, settings: Settings, model: Any, worker: Worker
) -> None:
    request = _request("generate", {}, _options(settings, "generate"))
    base = dataclasses.replace(settings, mode="generate")

    def answer(given: dict[str, Any]) -> list[str]:
        asked = _with(base, given, worker.limits)
        return sample_texts(asked, model, asked.num_samples, asked.seed)

    _post(app, "generate", request, worker, answer)


def _post(
    app: fastapi.FastAPI,
    mode: str,
    request: type[pydantic.BaseModel],
    worker: Worker,
    answer: Callable[[dict[str, Any]], Any],
) -> None:
    """Give a mode its endpoint, which answers requests by a function."""

    async def endpoint(body: request) -> dict[str, Any]:  # type: ignore[valid-type]
        given = body.model_dump(exclude_none=True)  # type: ignore[attr-defined]
        return {"results": await worker.run(answer, given)}

    app.post(f"/{mode}", summary=MODES[mode].help)(endpoint)


# -- Limits, errors, figures --------------------------------------------------


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
