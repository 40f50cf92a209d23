"""Request bodies as strict JSON: no NaN, no endless nesting, no endless numbers, no NUL, no broken text."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

from mainstay.web.problems import ENCODING_NOT_SUPPORTED, INVALID_REQUEST, MALFORMED_JSON, ProblemError, pointer

MAX_DEPTH = 64

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRequest(Request):
    """A request whose `json()` refuses what the database, or the next reader, could not hold."""

    @classmethod
    def of(cls, request: Request) -> "JsonRequest":
        """The same request; a body that was read stays read."""
        return request if isinstance(request, JsonRequest) else cls(request.scope, request.receive)

    async def json(self) -> Any:
        """The body. Raises `ProblemError` (400, or 422 for a text with NUL)."""
        if not hasattr(self, "_strict_json"):
            self._strict_json = read_json(await self.body())
        return self._strict_json


class JsonRoute(APIRoute):
    """A FastAPI route that reads its body through `JsonRequest`."""

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler, given a `JsonRequest`."""
        handler = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            if takes_body:
                check_encoding(request)
            return await handler(JsonRequest.of(request))

        return handle


def read_json(body: bytes) -> Any:
    """Decode strictly. Raises `ProblemError`."""
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise ProblemError(MALFORMED_JSON, f"the body nests deeper than {MAX_DEPTH} levels") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProblemError(MALFORMED_JSON, f"the body is not valid JSON: {error}") from None
    check_document(document, may_hold_nul=b"\\u0000" in body)
    return document


def check_document(document: Any, *, may_hold_nul: bool = True) -> None:
    """Refuse NUL characters and nesting beyond `MAX_DEPTH`. Raises `ProblemError` with a pointer to the place."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
    while stack:
        value, path = stack.pop()
        if isinstance(value, dict | list):
            if len(path) >= MAX_DEPTH:
                raise ProblemError(MALFORMED_JSON, f"the body nests deeper than {MAX_DEPTH} levels")
            items = value.items() if isinstance(value, dict) else enumerate(value)
            stack.extend((item, (*path, name)) for name, item in items)
            if may_hold_nul and isinstance(value, dict) and any("\0" in name for name in value):
                _refuse_nul(path)
        elif may_hold_nul and isinstance(value, str) and "\0" in value:
            _refuse_nul(path)


def check_encoding(request: Request) -> None:
    """Take bodies as they are. Raises `ProblemError` (415) for one that is compressed."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise ProblemError(
            ENCODING_NOT_SUPPORTED, "bodies are sent plain here", headers={"Accept-Encoding": "identity"}
        )


def _refuse_nul(path: tuple[str | int, ...]) -> None:
    detail = "text may not hold the NUL character"
    place = pointer(path).replace("\0", "")
    raise ProblemError(INVALID_REQUEST, detail, errors=[{"pointer": place, "detail": detail}])
