"""Routes: an account's health as a picture, and the links by which a page may show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self
from urllib.parse import quote

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from health_score.api.asking import READ, WRITE, AccountId
from health_score.api.drawing import draw
from health_score.application.pictures import Link, LinkRefused, LinkUnknown, Pictures, TooManyLinks
from mainstay.web.problems import Problem
from mainstay.web.routes import Caller, RequireScope, Routes
from mainstay.web.svg import HEADERS, SVG, Theme

routes = Routes(tag="pictures")

PROBLEMS: Final = {
    LinkRefused: Problem(403, "link-refused", "The link does not open the picture"),
    LinkUnknown: Problem(404, "link-unknown", "There is no such link"),
    TooManyLinks: Problem(409, "too-many-links", "The account has too many links"),
}


def _pictures(request: Request) -> Pictures:
    found: Pictures = request.app.state.handlers.pictures
    return found


class LinkOrScope(RequireScope):
    """Lets a key with the scope pass, and a link to this account's picture: an <img> cannot send a key."""

    def authorize(self, request: Request) -> None:
        """Raises `LinkRefused`, and what `RequireScope` raises."""
        signature = request.query_params.get("sig")
        if signature is None:
            super().authorize(request)
        else:
            request.state.link = _pictures(request).opened_by(signature, request.path_params["account_id"])


Asked = Annotated[Pictures, Depends(_pictures)]
LinkId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


class NewLink(BaseModel):
    """What a link is to be."""

    days: int = Field(default=365, ge=1, le=1_826, description="Days until it ends")


class LinkView(BaseModel):
    """A link that stands; the address itself is shown once, when it is made."""

    link_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime

    @classmethod
    def of(cls, link: Link) -> Self:
        """As the API shows it."""
        return cls(
            link_id=link.link_id, created_at=link.created_at, created_by=link.created_by, expires_at=link.expires_at
        )


class LinkMade(LinkView):
    """A new link: `path` is what an <img> names, behind the address of this API."""

    path: str


class Links(BaseModel):
    """An account's links that stand; there are never more than one page of them."""

    data: Sequence[LinkView]
    next_cursor: None = None


@routes.get(
    "/accounts/{account_id:path}/health.svg",
    scope=LinkOrScope(READ),
    has_tag=True,
    summary="An account's health as a picture",
    response_class=Response,
    responses={200: {"description": "600 x 200", "content": {SVG: {"schema": {"type": "string"}}}}},
)
async def picture(
    account_id: AccountId,
    pictures: Asked,
    request: Request,
    theme: Annotated[Theme, Query(description="`auto` follows the reader's own setting")] = "auto",
    sig: Annotated[str | None, Query(max_length=200, description="A link's signature, in place of a key")] = None,
) -> Response:
    """Score and band, the line of 90 days with the thresholds of the bands, and the instant of the score."""
    del sig  # it was looked at before the body could be
    shown = await pictures.picture(account_id, getattr(request.state, "link", None))
    return Response(draw(shown, theme), media_type=SVG, headers=HEADERS)


@routes.post(
    "/accounts/{account_id:path}/health.svg/link",
    scope=WRITE,
    answers=LinkMade,
    status=201,
    summary="Make a link to the picture",
)
async def make_link(account_id: AccountId, body: NewLink, pictures: Asked, caller: Caller) -> LinkMade:
    """A link by which anybody who has it sees the picture, until it ends or is revoked."""
    link, signature = await pictures.new_link(account_id, body.days, caller.name)
    path = f"/v1/accounts/{quote(account_id, safe='')}/health.svg?sig={signature}"
    return LinkMade(**LinkView.of(link).model_dump(), path=path)


@routes.get("/accounts/{account_id:path}/health.svg/link", scope=WRITE, answers=Links, summary="Links to the picture")
async def links(account_id: AccountId, pictures: Asked) -> Links:
    """The links that stand, oldest first."""
    return Links(data=[LinkView.of(link) for link in await pictures.links(account_id)])


@routes.delete("/accounts/{account_id:path}/health.svg/link/{link_id}", scope=WRITE, summary="Revoke a link")
async def revoke_link(account_id: AccountId, link_id: LinkId, pictures: Asked) -> None:
    """From now on the link shows nothing."""
    await pictures.revoke(account_id, link_id)
