"""Each form that a message can take, at a real destination."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from alerts.sealing import Seal
from tests.integration.alerts.sinks import HttpSink, MailSink, mail_sink
from tests.integration.alerts.test_delivering import only, opened
from tests.integration.alerts.world import World, close, fell, known, world

HOSTILE = "<!channel> *x* <script>"


async def channel(alerts: World, **body: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.post("/v1/channels", json={"name": "there", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
async def mailing(migrated_url: str, mail: MailSink) -> Any:
    made = await world(
        migrated_url, smtp_host="127.0.0.1", smtp_port=mail.port, smtp_from="mainstay@example.com"
    ).open()
    yield made
    await close(made)


async def test_a_chat_gets_text_and_blocks(alerts: World, sink: HttpSink) -> None:
    sink.usual = (200, {}, b"ok")
    await channel(alerts, kind="slack", url=sink.url)
    now = alerts.clock.now()

    await alerts.hears(known(now, name=HOSTILE), fell("green", "red", now))
    await alerts.delivers()

    [arrival] = sink.arrivals
    payload = httpx.Response(200, content=arrival.body).json()
    assert payload["text"].startswith("&lt;!channel&gt; *x* &lt;script&gt; fell from green to red (41)")
    assert b"<!channel>" not in arrival.body
    assert payload["blocks"][0]["type"] == "header"
    assert len(payload["blocks"]) <= 50
    assert (await only(alerts))["state"] == "delivered"


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        ((200, {}, b"no_service"), "pending", "the destination answered 200: no_service"),
        ((400, {}, b"invalid_blocks"), "failed", "the destination answered 400: invalid_blocks"),
        ((404, {}, b"channel_not_found"), "failed", "the destination answered 404: channel_not_found"),
        ((429, {"retry-after": "1"}, b""), "pending", "the destination answered 429"),
        ((500, {}, b"rollup_error"), "pending", "the destination answered 500: rollup_error"),
    ],
)
async def test_what_a_chat_answers(alerts: World, sink: HttpSink, answer: Any, state: str, error: str) -> None:
    sink.usual = answer
    await channel(alerts, kind="slack", url=sink.url)
    await opened(alerts)

    await alerts.delivers()

    assert ((await only(alerts))["state"], (await only(alerts))["error"]) == (state, error)


async def test_a_mail_goes_to_the_owner_of_the_account(mailing: World, mail: MailSink) -> None:
    await channel(mailing, kind="email", to="owner", fallback="team@example.com")
    now = mailing.clock.now()

    await mailing.hears(known(now, name=HOSTILE), fell("green", "red", now))
    await mailing.hears(known(now, account="globex", owner="Bob"), fell("green", "red", now, account="globex"))
    await mailing.delivers()

    assert sorted(mail.recipients) == [["ann@example.com"], ["team@example.com"]]
    first = next(one for one in mail.mails if one["To"] == "ann@example.com")
    assert first["Subject"] == f"{HOSTILE} fell from green to red (41)"
    assert first["From"] == "mainstay@example.com"
    markup = first.get_body(("html",))
    assert markup is not None
    assert "&lt;script&gt;" in markup.get_content()


async def test_an_owner_without_an_address_and_no_fallback_is_said(mailing: World) -> None:
    await channel(mailing, kind="email", to="owner")
    now = mailing.clock.now()

    await mailing.hears(known(now, owner="Bob"), fell("green", "red", now))
    await mailing.delivers()

    assert (await only(mailing))["state"] == "failed"
    assert "no email address" in (await only(mailing))["error"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("451 try later", "pending"),
        ("421 closing", "pending"),
        ("550 no such mailbox", "failed"),
        ("554 spam", "failed"),
    ],
)
async def test_a_mail_server_s_answer_decides_on_another_try(
    mailing: World, mail: MailSink, answer: str, state: str
) -> None:
    await channel(mailing, kind="email", to="ann@example.com")
    mail.answers.append(answer)
    await opened(mailing)

    await mailing.delivers()

    delivery = await only(mailing)
    assert (delivery["state"], delivery["error"]) == (state, f"the mail server answered {answer[:3]}: {answer[4:]}")


async def test_an_owner_whose_address_is_refused_falls_through_to_the_fallback_and_is_passed_over(
    mailing: World, mail: MailSink
) -> None:
    await channel(mailing, kind="email", to="owner", fallback="team@example.com")
    mail.refusing.add("ann@example.com")
    await opened(mailing)
    await mailing.delivers()
    mailing.clock.advance(timedelta(seconds=6))
    await mailing.delivers()
    await opened(mailing, "globex")
    await mailing.delivers()

    assert mail.recipients == [["team@example.com"]] * 2  # the second without asking for the owner's
    assert {one["state"] for one in await mailing.deliveries()} == {"delivered"}
    [refused] = (await mailing.get("/v1/refused-addresses"))["data"]
    assert (refused["address"], "550" in refused["reason"]) == ("ann@example.com", True)

    mail.refusing.clear()
    async with mailing.api() as api:
        assert (await api.delete("/v1/refused-addresses/ann@example.com")).status_code == 204
    await opened(mailing, "initech")
    await mailing.delivers()
    assert mail.recipients[-1] == ["ann@example.com"]


async def test_an_address_that_is_refused_is_tried_again_after_a_week(mailing: World, mail: MailSink) -> None:
    await channel(mailing, kind="email", to="owner", fallback="team@example.com")
    mail.refusing.add("ann@example.com")
    await opened(mailing)
    await mailing.delivers()
    mail.refusing.clear()
    mailing.clock.advance(timedelta(days=7, seconds=1))
    await mailing.delivers()

    assert mail.recipients == [["ann@example.com"]]
    assert (await mailing.get("/v1/refused-addresses"))["data"] == []


async def test_a_refused_address_without_a_fallback_is_a_failure_that_can_be_replayed(
    mailing: World, mail: MailSink
) -> None:
    await channel(mailing, kind="email", to="ann@example.com")
    mail.refusing.add("ann@example.com")
    await opened(mailing)
    await mailing.delivers()

    one = await only(mailing)
    assert (one["state"], one["error"]) == ("failed", "the mail server answered 550: no such mailbox here")


async def test_a_repeated_mail_is_the_same_mail(mailing: World, mail: MailSink) -> None:
    await channel(mailing, kind="email", to="ann@example.com")
    await opened(mailing)
    await mailing.delivers()
    await mailing.rows(
        "UPDATE alerts.delivery SET state = 'pending', next_attempt_at = created_at RETURNING id", commit=True
    )

    await mailing.delivers()

    assert len(mail.mails) == 2
    assert len({one["Message-ID"] for one in mail.mails}) == 1


async def test_mail_is_not_sent_without_encryption_unless_that_is_set(migrated_url: str, mail: MailSink) -> None:
    strict = await world(migrated_url, smtp_host="127.0.0.1", smtp_port=mail.port, smtp_insecure=False).open()
    await channel(strict, kind="email", to="ann@example.com")
    await opened(strict)

    await strict.delivers()

    delivery = await only(strict)
    await close(strict)
    assert mail.mails == []
    assert delivery["state"] == "pending"
    assert "STARTTLS" in delivery["error"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key, as files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
async def test_a_mail_goes_over_starttls_to_a_server_that_requires_it(
    migrated_url: str, certificate: tuple[Path, Path], language: str
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    async with mail_sink(tls) as mail:
        made = await world(
            migrated_url, smtp_host="localhost", smtp_port=mail.port, smtp_insecure=False, smtp_ca=certificate[0]
        ).open()
        await channel(made, kind="email", to="ann@example.com", language=language)
        await opened(made)
        await made.delivers()

        assert (await only(made))["error"] is None
        [sent] = mail.mails
        text, markup = sent.get_body(("plain",)), sent.get_body(("html",))
        assert text is not None
        assert markup is not None
        for part in (text.get_content(), markup.get_content()):
            assert "usage fell 64 %" in part
            assert "12,000.00 EUR" in part
            assert {"en": "What to do next", "zh-Hans": "下一步建议", "zh-Hant": "建議的下一步"}[language] in part
        assert f'lang="{language}"' in markup.get_content()
        await close(made)


async def test_a_mail_server_whose_certificate_nobody_signed_gets_no_mail(
    migrated_url: str, certificate: tuple[Path, Path]
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    async with mail_sink(tls) as mail:
        made = await world(migrated_url, smtp_host="localhost", smtp_port=mail.port, smtp_insecure=False).open()
        await channel(made, kind="email", to="ann@example.com")
        await opened(made)
        await made.delivers()

        assert mail.mails == []
        assert (await only(made))["state"] == "pending"
        await close(made)


async def test_without_a_mail_server_the_delivery_says_which_setting_is_missing(alerts: World) -> None:
    await channel(alerts, kind="email", to="ann@example.com")
    await opened(alerts)

    await alerts.delivers()

    assert "MAINSTAY_ALERTS_SMTP_HOST" in (await only(alerts))["error"]


async def test_private_destinations_are_refused_unless_allowed(migrated_url: str, sink: HttpSink) -> None:
    trial = await world(migrated_url).open()
    await trial.webhook(sink.url)
    strict = await world(migrated_url, allow_private_destinations=False).open()
    async with strict.api() as api:
        refused = [
            await api.post("/v1/channels", json={"name": "x", "kind": "webhook", "url": url})
            for url in (
                sink.url,
                "https://127.0.0.1/",
                "https://[::1]/",
                "https://169.254.169.254/latest",
                "https://10.1.2.3/",
            )
        ]
    await opened(strict)
    await strict.delivers()

    assert {answer.status_code for answer in refused} == {422}
    assert {answer.json()["code"] for answer in refused} == {"destination-refused"}
    assert sink.arrivals == []  # also not the channel that was saved when it was allowed
    assert (await only(strict))["state"] == "failed"
    await close(trial)
    await close(strict)


async def test_a_test_message_goes_once_and_says_what_came_of_it(alerts: World, sink: HttpSink) -> None:
    made = await alerts.webhook(sink.url)
    sink.secret = made["secret"]
    sink.answers.extend([204, 500])
    async with alerts.api() as api:
        answers = [await api.post(f"/v1/channels/{made['id']}/test") for _ in range(2)]
    await alerts.delivers()
    alerts.clock.advance(timedelta(days=2))
    await alerts.delivers()

    assert [answer.status_code for answer in answers] == [202, 202]
    assert [message["type"] for message in sink.verified()] == ["mainstay.channel.test"] * 2
    found = await alerts.deliveries(channel_id=made["id"])
    assert sorted((one["kind"], one["state"]) for one in found) == [("test", "delivered"), ("test", "failed")]
    assert {one["id"] for one in found} == {answer.json()["id"] for answer in answers}


async def test_secrets_are_shown_once_and_stored_sealed(
    alerts: World, sink: HttpSink, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{sink.url}/T000/B000/canary-of-a-credential"
    hook = await alerts.webhook(address)
    chat = await channel(alerts, kind="slack", url=address)
    assert hook["secret"].startswith("whsec_")
    assert chat["secret"] is None
    sink.answers.extend([500, (200, {}, b"ok")])
    await opened(alerts)
    await alerts.delivers()

    async with alerts.api() as api:
        answers = [
            (await api.get("/v1/channels")).text,
            (await api.get(f"/v1/channels/{hook['id']}")).text,
            (await api.patch(f"/v1/channels/{hook['id']}", json={"name": "renamed"})).text,
            (await api.get("/v1/deliveries")).text,
        ]
    stored = str([tuple(row) for row in await alerts.rows("SELECT * FROM alerts.channel")])
    logged = caplog.text + capsys.readouterr().out
    for text in (*answers, stored, logged):
        assert "canary-of-a-credential" not in text
        assert hook["secret"] not in text
        assert hook["secret"].removeprefix("whsec_") not in text


async def test_another_secret_key_disables_a_channel_and_stops_nothing(alerts: World, sink: HttpSink) -> None:
    lost = await alerts.webhook(sink.url)
    await opened(alerts)
    await alerts.rows(
        "UPDATE alerts.channel SET destination = :sealed RETURNING id", commit=True, sealed=Seal("y" * 32).close("{}")
    )
    kept = await alerts.webhook(sink.url)
    await opened(alerts, "globex")

    await alerts.delivers()

    assert len(sink.arrivals) == 1
    assert [one["channel_id"] for one in await alerts.deliveries(state="delivered")] == [kept["id"]]
    shown = await alerts.get(f"/v1/channels/{lost['id']}")
    assert "MAINSTAY_SECRET_KEY" in shown["disabled_reason"]
    async with alerts.api() as api:
        assert (await api.patch(f"/v1/channels/{lost['id']}", json={"enabled": True})).status_code == 409
        assert (await api.delete(f"/v1/channels/{lost['id']}")).status_code == 204
