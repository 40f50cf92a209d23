"""The application factory: every service's HTTP side has the same frame, doors and answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mainstay.db.errors import is_transient, is_unstorable
from mainstay.web import keys as access
from mainstay.web import problems as known
from mainstay.web.bodies import MAX_BODY_BYTES, Allowance, BodyLimit, BodyRefused
from mainstay.web.idempotency import Idempotency
from mainstay.web.keys import KeyRing
from mainstay.web.methods import listed, methods_at
from mainstay.web.middleware import Around, HttpMetrics
from mainstay.web.problems import Problem, ProblemBody, ProblemError, problem_response
from mainstay.web.routes import Routes

Check = Callable[[], Awaitable[str | None]]
"""Answers None when all is well, else the reason in one line."""

OPERATIONAL_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"})
"""The only paths that need no key."""

_ACCESS_PROBLEMS: Mapping[type[Exception], Problem] = {
    access.KeyMissing: known.KEY_MISSING,
    access.KeyUnknown: known.KEY_UNKNOWN,
    access.ScopeMissing: known.SCOPE_MISSING,
    access.KeysStale: known.KEYS_STALE,
}


def create_app(
    *,
    title: str,
    version: str,
    routes: Sequence[Routes],
    problems: Mapping[type[Exception], Problem],
    keys: KeyRing,
    readiness: Mapping[str, Check],
    info: Mapping[str, Check],
    registry: CollectorRegistry,
    lifespan: Any = None,
    idempotency: Idempotency | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    larger_bodies: Mapping[str, Allowance] | None = None,
    metrics: HttpMetrics | None = None,
) -> FastAPI:
    """A service's application. `idempotency` makes every POST obey Idempotency-Key.

    `problems` maps the service's errors to answers. A failing check of `readiness` makes /readyz 503; one of `info`
    (the log, lag) is shown there and fails nothing. `larger_bodies` are the paths that take files. /docs loads its
    page's scripts from a public CDN; /openapi.json needs nothing.
    """
    app = _frame(title, version, readiness, info, registry, lifespan, max_body_bytes, metrics, larger_bodies)
    app.state.keys = keys
    app.state.idempotency = idempotency
    for group in routes:
        # Not `include_router`: it would build each of them a second time when the first request comes (1.3 ms a route).
        app.router.routes.extend(group.router.routes)
    for error, problem in problems.items():
        app.add_exception_handler(error, _told(problem))
    for error in _ACCESS_PROBLEMS:
        app.add_exception_handler(error, access_response)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


def create_work_app(
    *,
    title: str,
    version: str,
    readiness: Mapping[str, Check],
    info: Mapping[str, Check],
    registry: CollectorRegistry,
) -> FastAPI:
    """The operational routes alone, for a process that only works."""
    return _frame(title, version, readiness, info, registry, None, MAX_BODY_BYTES, None)


def access_response(_: Request | None, error: Exception) -> Response:
    """The answer to a key that was refused; also for handlers in front of FastAPI."""
    problem = next(problem for kind, problem in _ACCESS_PROBLEMS.items() if isinstance(error, kind))
    headers = {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="mainstay"'
    elif isinstance(error, access.ScopeMissing):
        headers["WWW-Authenticate"] = f'Bearer realm="mainstay", error="insufficient_scope", scope="{error.scope}"'
    return problem_response(problem, str(error), headers=headers)


def _frame(
    title: str,
    version: str,
    readiness: Mapping[str, Check],
    info: Mapping[str, Check],
    registry: CollectorRegistry,
    lifespan: Any,
    max_body_bytes: int,
    metrics: HttpMetrics | None,
    larger_bodies: Mapping[str, Allowance] | None = None,
) -> FastAPI:
    app = FastAPI(title=title, version=version, lifespan=lifespan, redoc_url=None, redirect_slashes=False)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes, larger=larger_bodies)
    app.add_middleware(Around, metrics=metrics or HttpMetrics(registry))  # the last one added is the outermost
    app.add_exception_handler(ProblemError, _problem_error)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(BodyRefused, _body_refused)
    # COPY raises asyncpg's own errors, everything else SQLAlchemy's.
    for error in (DBAPIError, NoFreeConnection, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        app.add_exception_handler(error, _database_error)
    _operational_routes(app, readiness, info, registry)
    return app


def _operational_routes(
    app: FastAPI, readiness: Mapping[str, Check], info: Mapping[str, Check], registry: CollectorRegistry
) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """The loop is alive, nothing else."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Whether this process is of use now."""
        failing = await _look(readiness)
        noted = await _look(info)
        ready = not any(failing.values())
        body = {
            "status": "ready" if ready else "not ready",
            "checks": {name: reason or "ok" for name, reason in failing.items()},
            "info": {name: reason or "ok" for name, reason in noted.items()},
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Prometheus text."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _look(checks: Mapping[str, Check]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, check in checks.items():
        try:
            found[name] = await check()
        except Exception as error:  # noqa: BLE001 - whatever a check raises is a reason
            found[name] = f"{type(error).__name__}: the check failed"
    return found


def _told(problem: Problem) -> Callable[[Request, Exception], Response]:
    def answer(_: Request, error: Exception) -> Response:
        return problem_response(problem, str(error) or problem.heading)

    return answer


def _problem_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - how Starlette's handlers are typed
    return problem_response(error.problem, error.detail, errors=error.errors, headers=error.headers)


def _body_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, BodyRefused)  # noqa: S101 - as above
    return problem_response(error.problem, error.detail)


def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = known.validation_errors(error.errors())
    if any(found["type"] == "json_invalid" for found in error.errors()):
        return problem_response(known.MALFORMED_JSON, "the body is not valid JSON", errors=errors)
    first = errors[0]
    place = first.get("parameter") or first.get("pointer") or "the body"
    others = len(error.errors()) - 1
    more = f" (and {others} more)" if others else ""
    return problem_response(known.INVALID_REQUEST, f"{place}: {first['detail']}{more}", errors=errors)


def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    problem = known.status_problem(error.status_code)
    headers = error.headers
    if error.status_code == 405:  # each of FastAPI's routes names its own method only
        headers = {"Allow": listed(methods_at(request))}
    return problem_response(problem, str(error.detail or problem.heading), headers=headers)


def _database_error(_: Request, error: Exception) -> Response:
    if is_transient(error):
        return problem_response(known.DATABASE_AWAY, "the database is not available; try again")
    if is_unstorable(error):
        return problem_response(known.VALUE_NOT_STORABLE, "a value is out of the range that can be stored")
    raise error


def _openapi(app: FastAPI) -> dict[str, Any]:
    if not app.openapi_schema:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        body = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= body.pop("$defs", {})
        schemas[ProblemBody.__name__] = body
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema
