"""Chats' own servers, as their documentation describes them: rules on size, fields and signatures, quotas, error codes.

They go by the clock of the test. What they refuse they remember, and a test can say what they answer next.
"""

import base64
import hmac
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from mainstay.kernel.clock import Clock, SystemClock
from standalone.inbox import slack as slack_rules
from tests.integration.alerts.sinks import Arrival, HttpSink

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Vendor(HttpSink, ABC):
    """Answers by the vendor's rules. `posts` are the instants of what arrived, `taken` the bodies it took."""

    clock: Clock = field(default_factory=SystemClock)
    posts: list[datetime] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def judge(self, arrival: Arrival) -> Any:
        now = self.clock.now()
        self.posts.append(now)
        body = json.loads(arrival.body)
        assert arrival.headers["content-type"].startswith("application/json")
        assert int(arrival.headers["content-length"]) == len(arrival.body)
        reason = self.mistake(arrival, body, now)
        if reason is None:
            self.taken.append(body)
            return self.success()
        self.refused.append(reason[1])
        return reason[0]

    @abstractmethod
    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:
        """The answer to a post that breaks the vendor's rules, and which; None where it breaks none."""

    @abstractmethod
    def success(self) -> Any:
        """The answer to a post that is taken."""

    def in_the_last(self, span: timedelta, now: datetime) -> int:
        """How many posts arrived in the span that ends now, this one included."""
        return sum(now - span < at <= now for at in self.posts)

    def most_in(self, span: timedelta) -> int:
        """The most posts in any span of that length."""
        return max((self.in_the_last(span, at) for at in self.posts), default=0)


def answer(code: int, text: str = "ok", *, status: int = 200, member: str = "errcode", reason: str = "errmsg") -> Any:
    return (status, {"content-type": "application/json"}, json.dumps({member: code, reason: text}).encode())


@dataclass
class WeComServer(Vendor):
    """企业微信 group robots: https://developer.work.weixin.qq.com/document/path/91770."""

    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:  # noqa: ARG002 - no header counts
        if self.in_the_last(MINUTE, now) > 20:
            return answer(45009, "api freq out of limit"), "quota"
        if body.get("msgtype") != "markdown" or set(body) != {"msgtype", "markdown"}:
            return answer(40008, "invalid message type"), "fields"
        content = body["markdown"].get("content")
        if not isinstance(content, str) or not content:
            return answer(44004, "empty content"), "fields"
        if len(content.encode()) > 4_096:
            return answer(40058, "markdown.content exceed max length 4096"), "size"
        return None

    def success(self) -> Any:
        return answer(0)


@dataclass
class DingTalkServer(Vendor):
    """钉钉 group robots: 20 a minute, else blocked for ten minutes; a signature that is an hour old at most."""

    robot_secret: str | None = None
    blocked_until: datetime | None = None

    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:
        if self.blocked_until is not None and now < self.blocked_until:
            return answer(130101, "send too fast"), "blocked"
        if self.in_the_last(MINUTE, now) > 20:
            self.blocked_until = now + timedelta(minutes=10)
            return answer(130101, "send too fast, exceed 20 times per minute"), "quota"
        if self.robot_secret is not None and not self._is_signed(arrival, now):
            return answer(310000, "sign not match"), "signature"
        markdown = body.get("markdown", {})
        if body.get("msgtype") != "markdown" or not markdown.get("title") or not markdown.get("text"):
            return answer(40035, "param error"), "fields"
        if body["at"] != {"atMobiles": [], "atUserIds": [], "isAtAll": False}:
            return answer(40035, "param error"), "mentions"
        if len(arrival.body) > 20_000:
            return answer(460101, "message too long, exceed 20000 bytes"), "size"
        return None

    def _is_signed(self, arrival: Arrival, now: datetime) -> bool:
        query = parse_qs(arrival.query)
        [timestamp], [sign] = query["timestamp"], query["sign"]
        signed = f"{timestamp}\n{self.robot_secret}".encode()
        right = base64.b64encode(hmac.digest((self.robot_secret or "").encode(), signed, "sha256")).decode()
        return sign == right and abs(int(timestamp) - now.timestamp() * 1_000) < HOUR.total_seconds() * 1_000

    def success(self) -> Any:
        return answer(0)


@dataclass
class FeishuServer(Vendor):
    """飞书 group robots: 100 a minute and 5 a second, 20 KB; plain text in every element that we send."""

    robot_secret: str | None = None

    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:
        if self.in_the_last(MINUTE, now) > 100 or self.in_the_last(timedelta(seconds=1), now) > 5:
            return _feishu(11232, "create message trigger frequency limit"), "quota"
        if len(arrival.body) > 20_000:
            return _feishu(9499, "Bad Request"), "size"
        if self.robot_secret is not None and not self._is_signed(body, now):
            return _feishu(19021, "sign match fail or timestamp is not within one hour from current time"), "signature"
        card = body.get("card", {})
        if body.get("msg_type") != "interactive" or not isinstance(card.get("elements"), list):
            return _feishu(9499, "Bad Request"), "fields"
        tags = {one["tag"] for one in card["elements"]}
        if not tags <= {"div", "hr", "action", "note"} or card["header"]["title"]["tag"] != "plain_text":
            return _feishu(11246, "card contents error"), "fields"
        return None

    def _is_signed(self, body: Any, now: datetime) -> bool:
        timestamp = body["timestamp"]
        right = base64.b64encode(hmac.digest(f"{timestamp}\n{self.robot_secret}".encode(), b"", "sha256")).decode()
        return bool(body["sign"] == right) and abs(int(timestamp) - now.timestamp()) < HOUR.total_seconds()

    def success(self) -> Any:
        return _feishu(0, "success")


def _feishu(code: int, text: str) -> Any:
    return answer(code, text, member="code", reason="msg")


@dataclass
class TeamsServer(Vendor):
    """Workflows of Microsoft Teams: 4 a second, 28 KB, Adaptive Cards up to 1.4 in their envelope."""

    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:
        if self.in_the_last(timedelta(seconds=1), now) > 4:
            return (429, {"retry-after": "5"}, b""), "quota"
        if len(arrival.body) > 28_000:
            return (413, {}, b"RequestEntityTooLarge"), "size"
        [attachment] = body["attachments"]
        card = attachment["content"]
        if (
            body["type"] != "message"
            or attachment["contentType"] != "application/vnd.microsoft.card.adaptive"
            or attachment["contentUrl"] is not None
            or (card["type"], card["version"]) != ("AdaptiveCard", "1.4")
        ):
            return (400, {}, b"InvalidRequestContent"), "fields"
        if not {one["type"] for one in card["body"]} <= {"Container", "RichTextBlock", "ColumnSet"}:
            return (400, {}, b"InvalidRequestContent"), "elements"
        if not all(one["type"] == "Action.OpenUrl" for one in card.get("actions", [])):
            return (400, {}, b"InvalidRequestContent"), "actions"
        return None

    def success(self) -> Any:
        return 202


@dataclass
class SlackServer(Vendor):
    """Slack's incoming webhooks: about one a second; limits of Block Kit."""

    def mistake(self, arrival: Arrival, body: Any, now: datetime) -> tuple[Any, str] | None:  # noqa: ARG002 - no header counts
        if self.in_the_last(timedelta(seconds=1), now) > 1:
            return (429, {"retry-after": "30"}, b"rate_limited"), "quota"
        try:
            slack_rules.check(body)
        except slack_rules.Refused as refused:
            return (400, {}, str(refused).encode()), str(refused)
        return None

    def success(self) -> Any:
        return (200, {}, b"ok")


VENDORS: dict[str, type[Vendor]] = {
    "wecom": WeComServer,
    "dingtalk": DingTalkServer,
    "feishu": FeishuServer,
    "teams": TeamsServer,
    "slack": SlackServer,
}
