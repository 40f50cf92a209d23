"""What people read, in each channel's form, whatever a customer is called."""

import html
import json
from datetime import date
from decimal import Decimal
from email import message_from_bytes, policy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import text
from alerts.channels.email import EmailSender
from alerts.channels.rendering import Templates
from alerts.channels.slack import SlackSender
from alerts.channels.webhook import payload
from alerts.domain.accounts import Account
from alerts.domain.alerts import Notice
from alerts.domain.messages import Links, Message, compose
from alerts.domain.observations import Observation
from alerts.domain.words import Language
from alerts.rulebook import shipped_rulebook
from alerts.vocabulary import shipped_vocabularies
from mainstay.kernel.money import Money
from mainstay.web.client import OutgoingClient
from tests.unit.alerts.facts import START, band, silent, window
from tests.unit.alerts.test_alerts import arrive

HOSTILE = "<!channel> *x* <script>alert(1)</script> & {{ 7*7 }} $account"
ACME = Account(
    "acme/1",
    sequence=1,
    name="Acme",
    owner="ann@example.com",
    tier="gold",
    arr=(Money(Decimal(12000), "EUR"), Money(Decimal("500.5"), "USD")),
    next_renewal_on=date(2026, 9, 30),
)
LINKS = Links("https://mainstay.example/", "https://health.example")


WORDS = shipped_vocabularies()
TEMPLATES = Templates()
SLACK = SlackSender(OutgoingClient(), TEMPLATES)
CUT = WORDS[Language.EN].cut


def told(
    seen: Observation, account: Account = ACME, notice: Notice = Notice.OPENED, language: Language = Language.EN
) -> Message:
    rulebook = shipped_rulebook()
    alert = arrive(rulebook, [seen], hours=1).alert
    return compose("n1", notice, alert, account, rulebook, LINKS, WORDS[language])


def test_a_message_says_what_why_worth_whose_and_what_next() -> None:
    message = told(band("yellow", "red", hours=0, account="acme/1"))

    assert message.title == "Acme fell from yellow to red (41)"
    assert message.text == "usage fell 64 %"
    assert message.worth == "ARR 12,000.00 EUR + 500.50 USD, next renewal 2026-09-30"
    assert message.owner == "ann@example.com"
    assert message.next_steps
    assert [url for _, url in message.links] == [
        f"https://mainstay.example/v1/alerts/{message.alert.id if message.alert else ''}",
        "https://health.example/v1/accounts/acme%2F1/health",
    ]


@pytest.mark.parametrize(
    ("seen", "title", "text"),
    [
        (
            silent(date(2026, 2, 1), hours=0),
            "Acme has gone silent",
            "No activity since 2026-02-01; it is usually quiet for 9 days at most.",
        ),
        (
            window(hours=0),
            "The renewal of Acme is due before 2026-06-01",
            "12,000.00 EUR a term with 40 seats; health is green (88).",
        ),
    ],
)
def test_each_rule_has_its_sentences(seen: Observation, title: str, text: str) -> None:
    message = told(seen)

    assert (message.title, message.text) == (title, text)


def test_an_account_without_a_record_is_called_by_its_id() -> None:
    message = told(band("green", "red", hours=0), Account("acme"))

    assert message.title == "acme fell from green to red (41)"
    assert message.worth == "ARR not known, no renewal date known"
    assert message.owner == "nobody yet"


def test_slack_shows_a_hostile_name_as_text() -> None:
    message = told(band("green", "red", hours=0), Account("x", sequence=1, name=HOSTILE, owner=HOSTILE, tier=HOSTILE))

    body = SLACK.body(message)
    written = json.dumps(body)

    assert "<!channel>" not in written
    assert "<script>" not in written
    assert "&lt;!channel&gt; *x* &lt;script&gt;" in written
    for block in body["blocks"]:
        if block["type"] in {"header", "section"}:
            texts = [block["text"]] if "text" in block else block["fields"]
            assert {text["type"] for text in texts} == {"plain_text"}  # where Slack reads no markup


@given(said=st.text(alphabet=st.sampled_from("ab<>&é漢😀"), max_size=400), limit=st.integers(10, 200))
def test_a_cut_fits_and_never_splits_an_escape(said: str, limit: int) -> None:
    fitted = text.fit(said, limit, CUT, text.slack)

    assert len(fitted) <= limit
    if fitted.endswith(CUT):
        kept = html.unescape(fitted.removesuffix(CUT))
        assert said.startswith(kept)
        assert text.slack(kept) + CUT == fitted
    else:
        assert html.unescape(fitted) == said


def test_a_very_long_reason_is_cut_and_says_so() -> None:
    message = told(band("green", "red", hours=0), Account("x", sequence=1, name="&" * 5_000))

    header = SLACK.body(message)["blocks"][0]["text"]["text"]

    assert len(header) <= 150
    assert header.endswith(CUT)


def test_mail_is_escaped_in_html_and_plain_in_text() -> None:
    message = told(band("green", "red", hours=0), Account("x", sequence=1, name=HOSTILE))

    mail = EmailSender(None, TEMPLATES).mail(message, "ann@example.com", "d1", START, sender="mainstay@example.com")

    parsed = message_from_bytes(mail.as_bytes(), policy=policy.default)
    words, markup = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert words is not None
    assert markup is not None
    assert HOSTILE in words.get_content()
    assert "<script>" not in markup.get_content()
    assert "&lt;script&gt;" in markup.get_content()
    assert "{{ 7*7 }}" in markup.get_content()  # a name is never a template


def test_mail_headers_thread_by_account_and_repeat_exactly() -> None:
    def headers(message: Message, delivery: str) -> dict[str, str]:
        sender = EmailSender(None, TEMPLATES)
        mail = sender.mail(message, "ann@example.com", delivery, START, sender="mainstay@example.com")
        return {name: str(mail[name]) for name in ("Message-ID", "References", "Auto-Submitted")}

    opened = headers(told(band("green", "red", hours=0)), "d1")

    assert opened == headers(told(band("green", "red", hours=0)), "d2")
    assert opened["Message-ID"] == "<n1@example.com>"
    assert opened["Auto-Submitted"] == "auto-generated"
    assert opened["References"] == headers(told(window(hours=0)), "d3")["References"]
    other = told(band("green", "red", hours=0), Account("other", sequence=1))
    assert opened["References"] != headers(other, "d4")["References"]


def test_a_name_with_line_breaks_injects_no_header() -> None:
    message = told(band("green", "red", hours=0), Account("x", sequence=1, name="Acme\r\nBcc: all@example.com"))

    mail = EmailSender(None, TEMPLATES).mail(message, "ann@example.com", "d1", START, sender="mainstay@example.com")

    assert mail["Bcc"] is None
    assert mail["Subject"] == "Acme Bcc: all@example.com fell from green to red (41)"


@pytest.mark.parametrize("to", ["ann@example.com\r\nBcc: all@example.com", "ann@example.com\nX: y"])
def test_an_address_with_a_line_break_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        EmailSender(None, TEMPLATES).mail(told(window(hours=0)), to, "d1", START, sender="mainstay@example.com")


def test_a_webhook_carries_the_facts_as_json() -> None:
    body = json.loads(msgspec.json.encode(payload(told(band("green", "red", hours=0)))))

    assert body["type"] == "mainstay.alert.opened"
    assert body["data"]["account"]["arr"] == [
        {"amount": "12000", "currency": "EUR"},
        {"amount": "500.5", "currency": "USD"},
    ]
    assert body["data"]["alert"]["identity"] == "band-worsened/acme/red"
    assert body["data"]["severity"] == "critical"
