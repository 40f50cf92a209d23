"""What group robots of chats have in common: one POST, and a code in the answer that says what became of it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from alerts.channels.http import SHOWN_CHARS, kept, post, refusal, taken
from alerts.channels.reading import Json, encoded
from alerts.channels.rendering import Templates
from alerts.channels.text import tidy
from alerts.domain.channels import Channel
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import DingTalk, Feishu, WeCom
from alerts.domain.messages import Digest, Message
from mainstay.web.client import Answer, OutgoingClient


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a vendor's error code means: whether to try again, after which pause, and whether the robot is gone."""

    retryable: bool = True
    pause: timedelta | None = None
    gone: bool = False


class Robot(ABC):
    """Sends messages to the robots of one chat.

    Success is 200 with a 0 in the answer's member `CODE`; `VERDICTS` says what others mean, its member `REASON` why.
    """

    DESTINATION: ClassVar[type]
    VERDICTS: ClassVar[Mapping[int, Verdict]]
    CODE: ClassVar[str] = "errcode"
    REASON: ClassVar[str] = "errmsg"

    def __init__(self, client: OutgoingClient, templates: Templates) -> None:
        self._client = client
        self._templates = templates

    async def send(
        self,
        channel: Channel,
        delivery_id: str,  # noqa: ARG002 - a robot takes no id of the sender's
        message: Message | Digest,
        sent_at: datetime,
    ) -> Delivered | Failed:
        """One attempt."""
        robot = channel.destination
        if type(robot) is not self.DESTINATION or not isinstance(robot, WeCom | DingTalk | Feishu):
            raise TypeError(f"channel {channel.id} is no {self.DESTINATION.__name__} robot")
        secret = None if isinstance(robot, WeCom) else robot.secret
        url, body = self.signed(robot.url, secret, self.body(message), sent_at)
        answer = await post(self._client, url, encoded(body), {}, robot.url, secret)
        if isinstance(answer, Failed):
            return answer
        return verdict_on(answer, sent_at, self.VERDICTS, code=self.CODE, reason=self.REASON)

    @abstractmethod
    def body(self, message: Message | Digest) -> Json:
        """The message as the robot takes it, but for a signature."""

    def signed(
        self,
        url: str,
        secret: str | None,  # noqa: ARG002 - WeCom's address is its only secret
        body: Json,
        sent_at: datetime,  # noqa: ARG002 - as above
    ) -> tuple[str, Json]:
        """The address and the body that are sent, signed where the robot has a secret."""
        return url, body


def verdict_on(
    answer: Answer, now: datetime, verdicts: Mapping[int, Verdict], *, code: str, reason: str
) -> Delivered | Failed:
    """What a robot's answer means: only 200 with a 0 in the member `code` is success; `verdicts` are by its code.

    A code that nobody knows is tried again: it may be a fault of the vendor's.
    """
    if answer.status != 200:
        return refusal(answer, now, retryable=answer.status in {408, 429} or not 300 <= answer.status < 500)
    try:
        said = json.loads(answer.body)
        number = said[code]
    except (ValueError, KeyError, TypeError, RecursionError):
        return refusal(answer, now, retryable=True)
    if number == 0 and type(number) is int:
        return taken(answer)
    verdict = verdicts.get(number, Verdict()) if type(number) is int else Verdict()
    why = tidy(str(said.get(reason, "")))[:SHOWN_CHARS]
    return Failed(
        f"the robot answered {code} {tidy(str(number))[:20]}" + (f": {why}" if why else ""),
        retryable=verdict.retryable and not verdict.gone,
        retry_after=verdict.pause,
        gone=verdict.gone,
        status=answer.status,
        answer=kept(answer),
    )
