"""Which methods a path takes: what `Allow` says, and which route a path means where several fit."""

from collections.abc import Iterable
from re import Pattern

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from mainstay.web.problems import ProblemError, status_problem

_Template = tuple[tuple[int, int], Pattern[str], frozenset[str]]


def methods_at(request: Request) -> frozenset[str]:
    """The methods of the routes that a request's path means; none: no route fits it.

    Where templates of several kinds fit, those with the most segments are meant, then those with the fewest parameters:
    /accounts/acme/override is the override of acme, not the account named "acme/override".
    """
    path = request.scope["path"]
    fitting = [(rank, methods) for rank, pattern, methods in _templates(request.app) if pattern.match(path)]
    closest = max((rank for rank, _ in fitting), default=None)
    return frozenset[str]().union(*(methods for rank, methods in fitting if rank == closest))


def refuse_method(request: Request) -> None:
    """Refuse a request whose path means routes of other methods only. Raises `ProblemError` (405)."""
    allowed = methods_at(request)
    if allowed and request.method not in allowed:
        raise ProblemError(
            status_problem(405), f"this path takes {listed(allowed)}", headers={"Allow": listed(allowed)}
        )


def also_takes(app: FastAPI, path: str, methods: Iterable[str]) -> None:
    """Say that a handler in front of the application takes these methods at the paths of a template."""
    _templates(app).append(_template(path, methods))


def listed(methods: Iterable[str]) -> str:
    """As a header has them."""
    return ", ".join(sorted(methods))


def _templates(app: FastAPI) -> list[_Template]:
    known: list[_Template] | None = getattr(app.state, "path_templates", None)
    if known is None:
        known = [_template(str(route.path), route.methods or ()) for route in iter_route_contexts(app.routes)]
        app.state.path_templates = known
    return known


def _template(path: str, methods: Iterable[str]) -> _Template:
    return (path.count("/"), -path.count("{")), compile_path(path)[0], frozenset(methods)
