"""Limits on request bodies: their bytes are counted as they arrive, and they must arrive in time."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.web.problems import BODY_TOO_LARGE, BODY_TOO_SLOW, Problem, problem_response

MAX_BODY_BYTES = 1 << 20
ARRIVES_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How large a body may be, in bytes, and how long it may take to arrive."""

    max_bytes: int
    within: timedelta = ARRIVES_WITHIN


class BodyRefused(Exception):
    """The body is not wanted, as `problem` says."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail


class ClientGone(Exception):
    """The client left before its body was complete; nobody is there to answer."""


class BodyLimit:
    """ASGI middleware: refuses bodies that are too large (413) or too slow (408), whoever reads them.

    What nobody reads is refused by nobody: who has no key hears of that first.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = MAX_BODY_BYTES,
        within: timedelta = ARRIVES_WITHIN,
        larger: Mapping[str, Allowance] | None = None,
    ) -> None:
        """`larger`: paths that take files, and what they allow."""
        self._app = app
        self._usual = Allowance(max_bytes, within)
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count and time what the application receives."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal: BodyRefused | None = None
        begun = complete = False
        size = 0
        allowed = self._larger.get(scope["path"], self._usual)
        deadline = asyncio.get_running_loop().time() + allowed.within.total_seconds()

        async def counted() -> Message:
            nonlocal refusal, size, complete
            if complete:
                return await receive()
            try:
                _check_length(scope["headers"], allowed.max_bytes)
                message = await _next(receive, timedelta(seconds=deadline - asyncio.get_running_loop().time()))
                size += len(message.get("body", b""))
                _check_size(size, allowed.max_bytes)
            except BodyRefused as error:
                refusal = error
                raise
            except ClientGone:
                return {"type": "http.disconnect"}
            complete = not message.get("more_body", False)
            return message

        async def watched(message: Message) -> None:
            # What the application makes of the refusal (a 400, say) does not go out; the refusal does.
            nonlocal begun
            if refusal is None or begun:
                begun = True
                await send(message)

        try:
            await self._app(scope, counted, watched)
        except BodyRefused as error:
            refusal = error
        if refusal is not None and not begun:
            answer = problem_response(refusal.problem, refusal.detail, headers={"Connection": "close"})
            await answer(scope, receive, send)


async def _next(receive: Receive, within: timedelta) -> Message:
    try:
        async with asyncio.timeout(max(within.total_seconds(), 0)):
            message = await receive()
    except TimeoutError:
        raise BodyRefused(BODY_TOO_SLOW, "the body took too long to arrive") from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def _check_length(headers: Iterable[tuple[bytes, bytes]], max_bytes: int) -> None:
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            _check_size(int(value[:20]), max_bytes)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise BodyRefused(BODY_TOO_LARGE, f"the body has more than {max_bytes} bytes")
