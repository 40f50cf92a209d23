"""The inbox as a process of its own, with the clients that a sender would use: HTTP, Standard Webhooks, SMTP."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROTATED = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class RunningInbox:
    """`python -m standalone.inbox` on free ports, with its state in a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.smtp_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        environment = os.environ | {
            "MAINSTAY_HOME": str(self.home),
            "MAINSTAY_INBOX_PORT": str(self.port),
            "MAINSTAY_INBOX_SMTP_PORT": str(self.smtp_port),
        }
        self._process = subprocess.Popen([sys.executable, "-m", "standalone.inbox"], env=environment)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the inbox ended at its start"
            try:
                httpx.get(f"{self.url}/healthz").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("the inbox did not start")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(by)
        return self._process.wait(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInbox]:
    inbox = RunningInbox(tmp_path_factory.mktemp("home"))
    yield inbox
    inbox.stop(signal.SIGKILL)


@pytest.fixture
async def http(running: RunningInbox) -> AsyncIterator[httpx.AsyncClient]:
    (running.home / "inbox-webhook.secrets").unlink(missing_ok=True)
    async with httpx.AsyncClient(base_url=running.url) as client:
        (await client.delete("/messages")).raise_for_status()
        yield client


async def messages(http: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = (await http.get("/messages.json", params=query)).raise_for_status()
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def signed(body: str, secret: str = SECRET, at: datetime | None = None, message_id: str = "msg_1") -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
        "content-type": "application/json",
    }


async def test_a_chat_message_is_answered_as_slack_does_and_shown(http: httpx.AsyncClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*Harbourline* turned :red_circle: red"}}

    answer = await http.post("/chat/customer-success", json={"text": "Harbourline turned red", "blocks": [section]})

    assert (answer.status_code, answer.text) == (200, "ok")
    (kept,) = await messages(http)
    assert kept | {"id": "", "received_at": ""} == {
        "id": "",
        "received_at": "",
        "channel": "chat",
        "title": "Harbourline turned red",
        "to": "#customer-success",
        "text": "Harbourline turned red",
        "blocks": [section],
    }
    assert "<strong>Harbourline</strong> turned 🔴 red" in (await http.get("/")).text


async def test_a_chat_message_that_slack_would_refuse_is_refused_and_not_kept(http: httpx.AsyncClient) -> None:
    for content, word in (("{}", "no_text"), ("{", "invalid_payload"), ("[" * 5000, "invalid_payload")):
        answer = await http.post("/chat/cs", content=content)
        assert (answer.status_code, answer.text) == (400, word)

    assert await messages(http) == []


async def test_a_webhook_shows_whether_its_signature_is_right(http: httpx.AsyncClient, running: RunningInbox) -> None:
    body = json.dumps({"type": "alert.opened", "data": {"account_id": "harbourline-logistics"}})
    late = datetime.now(UTC) - timedelta(minutes=6)

    assert (await http.post("/webhooks/tools", content=body, headers=signed(body, message_id="m0"))).status_code == 204
    (running.home / "inbox-webhook.secrets").write_text(f"{ROTATED}\n{SECRET}\n")
    await http.post("/webhooks/tools", content=body, headers=signed(body, message_id="m1"))
    await http.post("/webhooks/tools", content=body, headers=signed(body, ROTATED, message_id="m2"))
    await http.post("/webhooks/tools", content=body + " ", headers=signed(body, message_id="m3"))
    await http.post("/webhooks/tools", content=body, headers=signed(body, at=late, message_id="m4"))
    await http.post("/webhooks/tools", content=body)
    await http.post("/webhooks/tools", content=body, headers=signed(body) | {"webhook-signature": "v1,?? no"})

    kept = await messages(http, channel="webhook")
    assert [message.get("verified") for message in reversed(kept)] == [None, True, True, False, False, False, False]
    assert kept[0]["title"] == "alert.opened"
    page = (await http.get("/?channel=webhook")).text
    assert page.count("signature verified") == 2
    assert page.count("signature wrong") == 4
    assert page.count("no secret known") == 1


async def test_a_webhook_sent_again_is_marked(http: httpx.AsyncClient) -> None:
    body = '{"type":"alert.opened"}'
    for _ in range(2):
        await http.post("/webhooks/tools", content=body, headers=signed(body))

    assert [message.get("repeated", False) for message in await messages(http)] == [True, False]


async def test_a_mail_is_kept_as_its_text(http: httpx.AsyncClient, running: RunningInbox) -> None:
    mail = EmailMessage()
    mail["From"] = "Mainstay <mainstay@example.com>"
    mail["To"] = "maya.okafor@example.com"
    mail["Subject"] = "Castellan Bank turned red · “café”"
    mail["Message-ID"] = "<a1@mainstay.example.com>"
    mail.set_content("Score 41, was 58.\n\nWhy: für <b>alle</b>\n")
    mail.add_alternative("<p>Score 41</p>", subtype="html")

    await aiosmtplib.send(mail, hostname="127.0.0.1", port=running.smtp_port, start_tls=False)

    (kept,) = await messages(http, channel="email")
    assert kept["title"] == "Castellan Bank turned red · “café”"
    assert kept["to"] == "maya.okafor@example.com"
    assert kept["sender"] == "Mainstay <mainstay@example.com>"
    assert kept["text"] == "Score 41, was 58.\n\nWhy: für <b>alle</b>"
    page = (await http.get("/")).text
    assert "für &lt;b&gt;alle&lt;/b&gt;" in page
    assert "<b>alle</b>" not in page


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\nContent-Type: text/plain; charset=no-such-charset\r\n\r\n\xff\xfe\r\n",
        b"Subject: =?utf-8?b?!!!?=\r\nContent-Type: text/html\r\n\r\n<p>only</p>\r\n",
        b"no header at all\r\n",
    ],
)
async def test_a_broken_mail_is_kept_all_the_same(http: httpx.AsyncClient, running: RunningInbox, raw: bytes) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=running.smtp_port, start_tls=False) as smtp:
        await smtp.sendmail("a@example.com", ["b@example.com"], raw)

    (kept,) = await messages(http)
    assert kept["to"] == "b@example.com"
    assert (await http.get("/")).status_code == 200


async def test_a_page_shows_what_hostile_senders_write_as_text(http: httpx.AsyncClient) -> None:
    hostile = "<script>alert('x')</script>"
    await http.post(f"/chat/{hostile[:8]}", json={"text": hostile})
    await http.post("/webhooks/tools", json={"type": hostile, hostile: hostile})
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open"},
        "url": "javascript:alert(1)",
    }
    await http.post("/chat/cs", json={"text": "x", "blocks": [{"type": "actions", "elements": [button]}]})

    answer = await http.get("/")

    assert len(await messages(http)) == 3
    assert answer.text.count("<script") == 1  # the page's own
    assert "javascript:" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_page_asks_only_for_what_changed(http: httpx.AsyncClient) -> None:
    first = await http.get("/list", params={"since": ""})
    state = first.headers["x-state"]
    assert (await http.get("/list", params={"since": state})).status_code == 204

    await http.post("/chat/cs", json={"text": "something new"})

    changed = await http.get("/list", params={"since": state, "channel": "chat"})
    assert changed.status_code == 200
    assert "something new" in changed.text
    assert "something new" not in (await http.get("/list", params={"since": state, "channel": "email"})).text


async def test_bad_questions_and_bodies_that_are_too_large_get_a_4xx(http: httpx.AsyncClient) -> None:
    assert (await http.get("/messages.json", params={"channel": "fax"})).status_code == 422
    assert (await http.get("/messages.json", params={"limit": 501})).status_code == 422
    assert (await http.post("/chat/cs", json={"text": "x" * 70_000})).status_code == 413
    assert (await http.post("/webhooks/tools", json="x" * 70_000)).status_code == 413
    assert (await http.post("/webhooks/tools", content="{")).status_code == 400
    assert await messages(http) == []


async def test_messages_survive_a_kill_and_a_stop(tmp_path: Path) -> None:
    inbox = await asyncio.to_thread(RunningInbox, tmp_path)
    try:
        async with httpx.AsyncClient(base_url=inbox.url) as http:
            await http.post("/chat/cs", json={"text": "before the kill"})
        await asyncio.to_thread(inbox.stop, signal.SIGKILL)
        await asyncio.to_thread(inbox.start)
        async with httpx.AsyncClient(base_url=inbox.url) as http:
            await http.post("/chat/cs", json={"text": "after the kill"})
            assert [message["title"] for message in await messages(http)] == ["after the kill", "before the kill"]
    finally:
        status = await asyncio.to_thread(inbox.stop)
    assert status == 0


async def test_a_port_that_is_taken_is_said_in_one_line(running: RunningInbox, tmp_path: Path) -> None:
    environment = os.environ | {
        "MAINSTAY_HOME": str(tmp_path),
        "MAINSTAY_INBOX_PORT": str(_free_port()),
        "MAINSTAY_INBOX_SMTP_PORT": str(running.smtp_port),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standalone.inbox", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 1
    assert len(said.decode().splitlines()) == 1
    assert str(running.smtp_port) in said.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
