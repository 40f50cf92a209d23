"""Routes that say who may call them: a route without a scope cannot be written."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mainstay.web.idempotency import IdempotentRoute
from mainstay.web.keys import SCOPES, ApiKey, KeyRing, UnknownScope
from mainstay.web.problems import MEDIA_TYPE, ProblemBody

F = TypeVar("F", bound=Callable[..., Any])

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", bearerFormat="mst_…", description="An API key of Mainstay")
_MEANINGS: dict[int | str, str] = {
    400: "The request cannot be read",
    401: "The API key is missing or not valid",
    403: "The API key lacks the scope",
    422: "The request is not valid",
    503: "Not available now; see Retry-After",
    "default": "Any other failure",
}
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}},
    }
    for status, meaning in _MEANINGS.items()
}


class RequireScope:
    """The dependency that lets a key with the scope pass."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise UnknownScope(scope)
        self.scope = scope

    def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        """Find the caller. Raises what `KeyRing.authorize` raises."""
        keys: KeyRing = request.app.state.keys
        request.state.caller = keys.authorize(credentials.credentials if credentials else None, self.scope)


def _caller(request: Request) -> ApiKey:
    caller: ApiKey = request.state.caller
    return caller


Caller = Annotated[ApiKey, Depends(_caller)]
"""The key that calls; a parameter of a route."""


class Routes:
    """A group of routes under /v1."""

    def __init__(self, *, tag: str | None = None) -> None:
        self.router = APIRouter(prefix="/v1", tags=[tag] if tag else None, route_class=IdempotentRoute)

    def get(self, path: str, *, scope: str, answers: Any = None, status: int = 200, **more: Any) -> Callable[[F], F]:
        """A route that reads. `answers` is the model of the answer; `more` goes to FastAPI."""
        return self._route("GET", path, scope, answers, status, more)

    def post(self, path: str, *, scope: str, answers: Any = None, status: int = 200, **more: Any) -> Callable[[F], F]:
        """A route that creates or does."""
        return self._route("POST", path, scope, answers, status, more)

    def put(self, path: str, *, scope: str, answers: Any = None, status: int = 200, **more: Any) -> Callable[[F], F]:
        """A route that sets."""
        return self._route("PUT", path, scope, answers, status, more)

    def patch(self, path: str, *, scope: str, answers: Any = None, status: int = 200, **more: Any) -> Callable[[F], F]:
        """A route that changes parts."""
        return self._route("PATCH", path, scope, answers, status, more)

    def delete(self, path: str, *, scope: str, answers: Any = None, status: int = 204, **more: Any) -> Callable[[F], F]:
        """A route that removes."""
        return self._route("DELETE", path, scope, answers, status, more)

    def _route(
        self, method: str, path: str, scope: str, answers: Any, status: int, more: dict[str, Any]
    ) -> Callable[[F], F]:
        responses = {**FAILURES, **more.pop("responses", {})}
        if status == 204:
            more.setdefault("response_class", Response)
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(RequireScope(scope)), *more.pop("dependencies", [])],
            response_model=answers,
            status_code=status,
            responses=responses,
            openapi_extra={"x-scope": scope, **more.pop("openapi_extra", {})},
            **more,
        )
