"""Routes of signed links: a page with one button. Looking changes nothing, for mail scanners look at every link."""

from html import escape
from typing import Annotated, Any, Final

from fastapi import Path, Request, Response

from alerts.api.handlers import WRITE, Handlers
from alerts.application.pressing import Offered, PressLinks
from alerts.domain.action_links import Action, LinkExpired, LinkRefused
from alerts.domain.alerts import AlertUnknown
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language
from mainstay.web.language import ReaderLanguage
from mainstay.web.routes import RequireScope, Routes

HTML: Final = "text/html"
Token = Annotated[str, Path(min_length=1, max_length=400, pattern="^[A-Za-z0-9_-]+$")]

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address is the right to press the button
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language",
}
_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title></head>
<body style="margin: 0; background: #f3f4f6; color: #1c2430; font-family: system-ui, 'PingFang SC', 'PingFang TC',\
 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif; line-height: 1.5">
<main style="max-width: 34em; margin: 2em auto; background: #fff; border: 1px solid #dfe3e8; padding: 1.25em 1.5em">
<h1 style="margin: 0 0 .6em; font-size: 1.25em; line-height: 1.3; overflow-wrap: anywhere">{title}</h1>
{body}
</main>
</body>
</html>
"""
_BUTTON: Final = """<form method="post"><button type="submit" style="font: inherit; font-weight: 600; color: #fff;\
 background: #1f5fa8; border: 0; border-radius: .3em; padding: .6em 1.4em; cursor: pointer">{does}</button></form>"""


class LinkInPlaceOfKey(RequireScope):
    """A link's signature is the key: whoever clicks in a message has no other. The handler looks at it first."""

    def authorize(self, request: Request) -> None:
        """Let the request pass to the handler, which reads nothing but the link."""


def links(handlers: Handlers) -> Routes:
    """Look at a link, and press its button."""
    group = Routes(tag="alerts")
    page = {"content": {HTML: {"schema": {"type": "string"}}}}
    pages: dict[int | str, dict[str, Any]] = {
        200: {"description": "A page for people", **page},
        403: {"description": "This is no link of ours", **page},
        410: {"description": "The link held until now", **page},
    }

    @group.get("/actions/{token}", scope=LinkInPlaceOfKey(WRITE), response_class=Response, responses=pages)
    async def look(token: Token, language: ReaderLanguage) -> Response:
        """What the link in a message would do, with a button. Looking at it changes nothing."""
        return await _page(handlers.pressing, token, Language(language), press=False)

    @group.post("/actions/{token}", scope=LinkInPlaceOfKey(WRITE), response_class=Response, responses=pages)
    async def press(token: Token, language: ReaderLanguage) -> Response:
        """Do what the link says, under the name it was made for. Doing it twice is doing it once."""
        return await _page(handlers.pressing, token, Language(language), press=True)

    return group


async def _page(pressing: PressLinks, token: str, language: Language, *, press: bool) -> Response:
    words = pressing.words[language]
    try:
        offered = await (pressing.press if press else pressing.look)(token, language)
    except (LinkRefused, AlertUnknown):
        return _answer(words, words.label("link_no_use"), [words.label("link_refused")], status=403)
    except LinkExpired as expired:
        told = words.label("link_expired", until=words.instant(expired.expired_at))
        return _answer(words, words.label("link_no_use"), [told], status=410)
    if offered.is_done:
        return _answer(words, offered.title, [_done(offered, words)])
    said = [words.label("link_nothing_yet"), words.label("link_by", by=offered.by)]
    return _answer(words, offered.title, said, button=words.label(f"do_{offered.link.action.value}"))


def _done(offered: Offered, words: Vocabulary) -> str:
    alert = offered.alert
    if alert.is_resolved:
        return words.label("link_over")
    if offered.link.action is Action.ACKNOWLEDGE:
        return words.label("done_acknowledge", by=alert.acknowledged_by)
    if alert.snoozed_until is None:
        return words.label("done_snooze_over")
    return words.label("done_snooze", until=words.instant(alert.snoozed_until), by=alert.snoozed_by)


def _answer(words: Vocabulary, title: str, said: list[str], *, button: str = "", status: int = 200) -> Response:
    lines = [f'<p style="margin: 0 0 1em; overflow-wrap: anywhere">{escape(line)}</p>' for line in said]
    if button:
        lines.append(_BUTTON.format(does=escape(button)))
    page = _PAGE.format(language=words.language.value, title=escape(title), body="\n".join(lines))
    headers = {**_HEADERS, "Content-Language": words.language.value}
    return Response(page, status_code=status, media_type=f"{HTML}; charset=utf-8", headers=headers)
