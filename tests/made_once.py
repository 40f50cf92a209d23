"""Routes made once for all tests of a service, as a process makes them: a hundred take a tenth of a second of CPU."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cached_property, reduce
from typing import Any, Generic, TypeVar, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay.web.routes import Routes

H = TypeVar("H")


class RoutesMadeOnce(Generic[H]):
    """A service's routes, which call in each request the handlers of the application that the request came to."""

    def __init__(self, make: Callable[[H], Sequence[Routes]]) -> None:
        """`make` builds the routes on the service's handlers, of which it takes attributes only."""
        self._make = make
        self._handlers: ContextVar[H | None] = ContextVar("handlers", default=None)

    @cached_property
    def routes(self) -> Sequence[Routes]:
        """Every group of routes."""
        return self._make(cast("H", _OfTheRequest(self._handlers)))

    def calling(self, app: ASGIApp, handlers: H) -> ASGIApp:
        """An application of these routes that calls these handlers."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            meant = self._handlers.set(handlers)
            try:
                await app(scope, receive, send)
            finally:
                self._handlers.reset(meant)

        return answer


class _OfTheRequest:
    """Stands for the handlers, or a part of them, while routes are built; in a request it is the request's own."""

    def __init__(self, handlers: ContextVar[Any], *path: str) -> None:
        self._handlers = handlers
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if self._handlers.get() is None:
            return _OfTheRequest(self._handlers, *self._path, name)
        return getattr(self._meant(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._meant()(*args, **kwargs)

    def _meant(self) -> Any:
        return reduce(getattr, self._path, self._handlers.get())
