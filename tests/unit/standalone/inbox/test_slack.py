from typing import Any

import pytest

from standalone.inbox.slack import Refused, check, mrkdwn, title_of

HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Harbourline turned red"}}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Score* 41"}}


def test_a_message_of_text_and_blocks_is_taken() -> None:
    blocks = [
        HEADER,
        SECTION,
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Owner*\nMaya"}]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "plain_text", "text": "renewals"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}}]},
    ]

    text, taken = check({"text": "red", "blocks": blocks})

    assert text == "red"
    assert list(taken) == blocks


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ([], "invalid_payload"),
        ("text", "invalid_payload"),
        ({"text": 3}, "invalid_payload"),
        ({"text": "x", "blocks": {}}, "invalid_payload"),
        ({}, "no_text"),
        ({"text": "", "blocks": []}, "no_text"),
        ({"text": "x", "blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": ["section"]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": ["section"]}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "text": "*Score* 41"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "fields": []}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "header", "text": SECTION["text"]}]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "actions", "elements": [{"type": "image"}]}]}, "invalid_blocks"),
    ],
)
def test_what_slack_refuses_is_refused_in_its_words(payload: Any, word: str) -> None:
    with pytest.raises(Refused, match=f"^{word}$"):
        check(payload)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _soft_ ~gone~", "<strong>bold</strong> <em>soft</em> <s>gone</s>"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("`a *b*` and\n```x < y```", "<code>a *b*</code> and<br><pre>x &lt; y</pre>"),
        (
            "<https://example.com/?a=1&amp;b=2|the account>",
            '<a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer">the account</a>',
        ),
        (
            "<https://example.com>",
            '<a href="https://example.com" rel="noopener noreferrer">https://example.com</a>',
        ),
        ("<!here> <@U1|maya>", '<span class="mention">@here</span> <span class="mention">@maya</span>'),
        ("Fish &amp; Chips &lt;Ltd&gt;", "Fish &amp; Chips &lt;Ltd&gt;"),
        (":red_circle: :not_an_emoji:", "🔴 :not_an_emoji:"),
    ],
)
def test_slacks_markup_becomes_html(text: str, html: str) -> None:
    assert str(mrkdwn(text)) == html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<javascript:alert(1)|click>",
        '<https://x.example/"onmouseover="alert(1)|click>',
        "`<img src=x onerror=alert(1)>`",
        "*<b onclick=alert(1)>*",
    ],
)
def test_nothing_that_a_sender_writes_becomes_markup_of_its_own(hostile: str) -> None:
    html = str(mrkdwn(hostile)).lower()

    for forbidden in ("<script", "<img", "<b ", 'href="javascript', '"onmouseover'):
        assert forbidden not in html


def test_the_title_of_a_message_is_its_fallback_text_else_its_header() -> None:
    assert title_of(":red_circle: *Harbourline* turned red\nmore", (HEADER,)) == "🔴 Harbourline turned red"
    assert title_of("", (SECTION, HEADER)) == "Harbourline turned red"
    assert title_of("", (SECTION,)) == "A message without a text"
