"""Fair shares, effort by value, the tree, and who is mentioned."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.dingtalk import DingTalkSender
from alerts.channels.feishu import FeishuSender
from alerts.channels.rendering import Templates
from alerts.channels.samples import samples
from alerts.channels.slack import SlackSender
from alerts.channels.teams import TeamsSender
from alerts.channels.webhook import payload
from alerts.channels.wecom import WeComSender
from alerts.domain.accounts import Account
from alerts.domain.effort import OF_LITTLE_VALUE, Touch, classes, of_little_value, split
from alerts.domain.messages import Digest
from alerts.domain.pools import Load, next_of, points_of
from alerts.domain.reassignments import spread
from alerts.domain.routing import About, Branch, Match, Receiver, Routing, To
from alerts.domain.silences import Silence, muting
from alerts.domain.words import Category, Language, Severity
from alerts.vocabulary import shipped_vocabularies
from mainstay.kernel.money import Money
from mainstay.web.client import OutgoingClient

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
amounts = st.lists(st.integers(0, 150_000), min_size=1, max_size=40)


def worth(*amounts: int) -> list[Account]:
    return [
        Account(f"a{number:02}", sequence=1, owner="old", arr=(Money(Decimal(amount), "EUR"),))
        for number, amount in enumerate(amounts)
    ]


@given(amounts, st.dictionaries(st.sampled_from(["ann", "bob", "cat"]), st.integers(0, 30)))
def test_a_spread_gives_each_account_once_and_nobody_much_more_than_another(
    given_amounts: list[int], have: dict[str, int]
) -> None:
    accounts, to = worth(*given_amounts), ["ann", "bob", "cat"]

    moves = spread(accounts, to, have)

    assert [move.account_id for move in moves] == [account.id for account in accounts]
    points = {account.id: points_of(account) for account in accounts}
    got = {person: sum(points[move.account_id] for move in moves if move.to == person) for person in to}
    ends = {person: have.get(person, 0) + got[person] for person in to}
    # whoever got something had no more than anybody else before their last account
    assert all(ends[one] - 10 <= ends[other] for one in to if got[one] for other in to)


def test_whoever_has_one_of_the_accounts_keeps_it() -> None:
    accounts = [replace(account, owner="bob") for account in worth(5_000)]

    assert not spread(accounts, ["ann", "bob"], {"bob": 100})


def test_of_equals_whoever_waited_longest_is_next() -> None:
    loads = {"ann": Load(3, AT), "bob": Load(2, AT), "cat": Load(2, AT.replace(hour=1)), "dan": Load(2, AT)}

    assert next_of(["ann", "bob", "cat", "dan"], loads) == "cat"
    assert next_of(["ann", "new"], loads) == "new"
    assert next_of([], loads) is None


@given(amounts)
def test_accounts_of_little_value_are_the_last_of_the_books_worth(given_amounts: list[int]) -> None:
    accounts = worth(*given_amounts)

    found = classes(accounts)

    total = sum(given_amounts)
    little = [account for account in accounts if found[account.id] in OF_LITTLE_VALUE]
    assert sum(Fraction(account.arr[0].amount) for account in little) <= Fraction(5 * total, 100)
    touches = [Touch(account.id, AT, minutes=10) for account in accounts]
    assert of_little_value(touches, found) == (10 * len(little), 10 * len(accounts))
    assert sum(effort.minutes for effort in split(touches, found.__getitem__).values()) == 10 * len(accounts)


def test_the_first_branch_that_matches_takes_it_and_inherits_what_it_does_not_say() -> None:
    gold = Branch("gold", Match(tiers=frozenset({"gold"})), group_minutes=5)
    risk = Branch("risk", Match(categories=frozenset({Category.RISK})), to=(Receiver(To.PERSON, "bob"),), go_on=True)
    rest = Branch("rest", to=(Receiver(To.PERSON, "cat"),))
    tree = Routing(Branch("all", to=(Receiver(To.ROLE, "csm"),), branches=(replace(risk, branches=(gold,)), rest)))

    def found(tier: str, category: Category) -> list[tuple[Any, ...]]:
        about = About("rule", category, Severity.INFO, Account("acme", tier=tier))
        return [(each.path, [str(to) for to in each.to], each.group_minutes) for each in tree.of(about)]

    assert found("gold", Category.RISK) == [
        (("all", "risk", "gold"), ["person bob"], 5),
        (("all", "rest"), ["person cat"], 0),
    ]
    assert found("iron", Category.RENEWAL) == [(("all", "rest"), ["person cat"], 0)]


def test_the_silence_that_lasts_longest_says_until_when() -> None:
    about = About("rule", Category.RISK, Severity.INFO, Account("acme"))
    long, short, other = (
        Silence(name, match, AT, AT.replace(hour=hour), "", AT, "me")
        for name, match, hour in (
            ("long", Match(accounts=frozenset({"acme"})), 12),
            ("short", Match(rules=frozenset({"rule"})), 11),
            ("other", Match(tiers=frozenset({"gold"})), 13),
        )
    )

    assert muting([short, long, other], about, AT) == long
    assert muting([short, long, other], about, AT.replace(hour=12)) is None


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (SlackSender, "<@U1>"),
        (WeComSender, "<@U1>"),
        (DingTalkSender, '"atUserIds": ["U1"]'),
        (FeishuSender, "<at id=U1></at>"),
        (TeamsSender, '"mentioned": {"id": "U1"'),
    ],
)
@pytest.mark.parametrize("language", list(Language))
def test_a_message_to_somebody_mentions_them_and_no_other_does(kind: Any, says: str, language: Language) -> None:
    sender = kind(OutgoingClient(), Templates())
    words = shipped_vocabularies()[language]
    for message in samples(words, digest=False):
        assert not isinstance(message, Digest)
        written = str(sender.body(message)).replace("'", '"')
        assert (says in written) == (message.mention is not None)
        for heading, lines in message.sections:
            assert heading in written
            assert lines[-1] in written
        assert payload(message).get("data", {}).get("mention") == message.mention
