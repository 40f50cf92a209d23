"""What a click on a signed link does: the same as a person by hand, once, under the name it was made for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.application.delivery_ports import Claim
from alerts.application.handling import HandleAlerts
from alerts.application.reading import Reading
from alerts.application.rules import RulesInForce
from alerts.domain.accounts import Account
from alerts.domain.action_links import SNOOZE_FOR, Action, ActionLink, LinkSigner, Who, WhoKind
from alerts.domain.alerts import Alert, Step, Transition
from alerts.domain.channels import ChannelUnknown
from alerts.domain.destinations import Email
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language
from mainstay.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Offered:
    """What a link offers: the alert, what would be done, under which name, and whether that is done already."""

    link: ActionLink
    alert: Alert
    title: str
    by: str
    is_done: bool


class PressLinks:
    """Looks at links, which changes nothing, and presses them."""

    def __init__(
        self,
        reading: Reading,
        rules: RulesInForce,
        handle: HandleAlerts,
        signer: LinkSigner,
        words: Mapping[Language, Vocabulary],
        clock: Clock,
    ) -> None:
        self._reading = reading
        self._rules = rules
        self._handle = handle
        self._signer = signer
        self.words = words
        self._clock = clock

    async def look(self, token: str, language: Language) -> Offered:
        """What a link offers. Raises `LinkRefused`, `LinkExpired`, `AlertUnknown`."""
        link = self._signer.read(token, self._clock.now())
        alert, account, steps = await self._reading.alert(link.alert_id)
        return Offered(
            link,
            alert,
            self._title(alert, account, language),
            await self._name(link.who, self.words[Language.EN]),
            _is_done(link, alert, steps, _mark(token)),
        )

    async def press(self, token: str, language: Language) -> Offered:
        """Do what a link says; what is done already is not done again.

        Raises `LinkRefused`, `LinkExpired`, `AlertUnknown`.
        """
        offered = await self.look(token, language)
        if offered.is_done:
            return offered
        comment = f"by the link in a message ({_mark(token)})"
        alert_id, by = offered.alert.id, offered.by
        match offered.link.action:
            case Action.ACKNOWLEDGE:
                await self._handle.acknowledge(alert_id, by=by, comment=comment)
            case Action.SNOOZE:
                until = self._clock.now() + SNOOZE_FOR
                await self._handle.snooze(alert_id, until=until, by=by, comment=comment)
        return await self.look(token, language)

    def _title(self, alert: Alert, account: Account, language: Language) -> str:
        return self.words[language].title(alert, account, self._rules.latest.named(alert.rule))

    async def _name(self, who: Who, words: Vocabulary) -> str:
        """The name that stands in the alert's history, in English as all of it."""
        if who.kind is WhoKind.PERSON:
            return who.id
        try:
            name = (await self._reading.channel(who.id)).name
        except ChannelUnknown:
            name = who.id
        return words.label("somebody_in", channel=name)


def reader_of(claim: Claim, account: Account) -> Who:
    """Who reads it: whom it is for, the account's owner where it is mailed to them, else the channel's readers."""
    if claim.person is not None:
        return Who(WhoKind.PERSON, claim.person.id)
    destination = claim.channel.destination
    if isinstance(destination, Email) and destination.recipient(account.owner, claim.refused) == account.owner:
        return Who(WhoKind.PERSON, account.owner or "")
    return Who(WhoKind.CHANNEL, claim.channel.id)


def _mark(token: str) -> str:
    """What tells a link from others in an alert's history."""
    return token[-8:]


def _is_done(link: ActionLink, alert: Alert, steps: Sequence[Transition], mark: str) -> bool:
    """Whether there is nothing left to do: a link puts off once, however often it is pressed."""
    if alert.is_resolved:
        return True
    if link.action is Action.ACKNOWLEDGE:
        return alert.acknowledged_at is not None
    return any(step.step is Step.SNOOZED and mark in (step.comment or "") for step in steps)
