"""The inbox's page: one HTML document that brings its own style, and needs nothing from elsewhere."""

import secrets
from datetime import UTC, datetime
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from standalone.inbox import slack
from standalone.inbox.messages import Box, Channel

SHOWN = 200
CHANNEL_NAMES: dict[Channel | None, str] = {
    None: "Everything",
    "chat": "Chat",
    "email": "E-mail",
    "webhook": "Webhooks",
}


class Page:
    """Renders the box as HTML; Jinja escapes everything that senders wrote."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._opened = secrets.token_hex(4)  # tells the state of this process from those of earlier ones
        environment = Environment(
            loader=PackageLoader("standalone.inbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "mrkdwn": slack.mrkdwn,
            "slack_text": slack.text_object,
            "pretty": _pretty,
            "clock": _clock,
        }
        self._page = environment.get_template("page.html.jinja")
        self._list = environment.get_template("list.html.jinja")

    @property
    def state(self) -> str:
        """Changes whenever the list does."""
        return f"{self._opened}-{self._box.changes}"

    def render(self, channel: Channel | None) -> tuple[str, str]:
        """The page and its content security policy, which allows this page's own script and style and nothing else."""
        nonce = secrets.token_urlsafe(16)
        html = self._page.render(**self._values(channel), state=self.state, nonce=nonce)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return html, policy

    def list(self, channel: Channel | None) -> str:
        """The part of the page that changes."""
        return self._list.render(**self._values(channel))

    def _values(self, channel: Channel | None) -> dict[str, Any]:
        counts = self._box.counts()
        return {
            "messages": self._box.newest(channel, SHOWN),
            "channel": channel,
            "tabs": [
                (key, name, sum(counts.values()) if key is None else counts[key]) for key, name in CHANNEL_NAMES.items()
            ],
        }


def _pretty(payload: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(payload), indent=2).decode()


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%a %d %b, %H:%M:%S} UTC"
