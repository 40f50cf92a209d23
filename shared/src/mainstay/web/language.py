"""The language in which a route answers: the one its caller's Accept-Language wants most."""

from typing import Annotated

from fastapi import Depends, Header, Response

from mainstay.language.negotiation import Language, negotiated


def speaks(response: Response, language: Language, *, varies: str = "Accept-Language") -> None:
    """Say in which language an answer is, and what it depends on."""
    response.headers["Content-Language"] = language.value
    response.headers["Vary"] = varies


def _reader(
    response: Response,
    accept_language: Annotated[
        str | None,
        Header(max_length=1_000, description="The language of texts: English, Simplified or Traditional Chinese"),
    ] = None,
) -> Language:
    language = negotiated(accept_language)
    speaks(response, language)
    return language


ReaderLanguage = Annotated[Language, Depends(_reader)]
"""A parameter of a route. The answer says it in Content-Language; one that is a `Response` itself has to say it."""
