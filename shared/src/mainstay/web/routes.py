"""Routes that say who may call them: a route without a scope cannot be written."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mainstay.web.etags import ANSWERS, Tagged, tagged
from mainstay.web.idempotency import IdempotentRoute
from mainstay.web.json_body import Handler
from mainstay.web.keys import SCOPES, ApiKey, KeyRing, UnknownScope
from mainstay.web.methods import refuse_method
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

    def __call__(self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        """Find the caller, also on a route of another class; what OpenAPI says of keys comes from here."""
        self.authorize(request)

    def authorize(self, request: Request) -> None:
        """Find the caller by the request's head alone. Raises what `KeyRing.authorize` raises."""
        keys: KeyRing = request.app.state.keys
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        request.state.caller = keys.authorize(presented.strip() if scheme.lower() == "bearer" else None, self.scope)


class KeyedRoute(IdempotentRoute):
    """A route that looks at the key before it touches the body: FastAPI solves dependencies after it has read it.

    One that is marked `Tagged` answers with an ETag. One that ends in a parameter does not answer for a path that
    another route's template describes better.
    """

    def get_route_handler(self) -> Handler:
        """The route's handler, for callers with the scope."""
        handler = super().get_route_handler()
        required = [each.dependency for each in self.dependencies if isinstance(each.dependency, RequireScope)]
        has_tag = any(isinstance(each.dependency, Tagged) for each in self.dependencies)
        may_swallow = self.path_format.endswith("}")

        async def handle(request: Request) -> Response:
            for scope in required:
                scope.authorize(request)
            if may_swallow:
                refuse_method(request)
            response = await handler(request)
            return tagged(request, response) if has_tag else response

        return handle


def _caller(request: Request) -> ApiKey:
    caller: ApiKey = request.state.caller
    return caller


Caller = Annotated[ApiKey, Depends(_caller)]
"""The key that calls; a parameter of a route."""


class Routes:
    """A group of routes under /v1."""

    def __init__(self, *, tag: str | None = None) -> None:
        self.router = APIRouter(prefix="/v1", tags=[tag] if tag else None, route_class=KeyedRoute)

    def get(
        self,
        path: str,
        *,
        scope: str | RequireScope,
        answers: Any = None,
        status: int = 200,
        has_tag: bool = False,
        **more: Any,
    ) -> Callable[[F], F]:
        """A route that reads. `answers` is the model of the answer; `more` goes to FastAPI.

        With `has_tag` its answers have an ETag, and If-None-Match is obeyed.
        """
        if has_tag:
            given = more.get("responses", {})
            more["responses"] = {**given, **ANSWERS, 200: {**given.get(200, {}), **ANSWERS[200]}}
            more["dependencies"] = [Depends(Tagged()), *more.get("dependencies", [])]
        return self._route("GET", path, scope, answers, status, more)

    def post(
        self, path: str, *, scope: str | RequireScope, answers: Any = None, status: int = 200, **more: Any
    ) -> Callable[[F], F]:
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
        self, method: str, path: str, scope: str | RequireScope, answers: Any, status: int, more: dict[str, Any]
    ) -> Callable[[F], F]:
        required = scope if isinstance(scope, RequireScope) else RequireScope(scope)
        responses = {**FAILURES, **more.pop("responses", {})}
        if status == 204:
            more.setdefault("response_class", Response)
        return self.router.api_route(
            path,
            methods=[method],
            dependencies=[Depends(required), *more.pop("dependencies", [])],
            response_model=answers,
            status_code=status,
            responses=responses,
            openapi_extra={"x-scope": required.scope, **more.pop("openapi_extra", {})},
            **more,
        )
