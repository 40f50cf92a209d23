"""Composing: what a claim, or several in one call, say to whoever they are for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from alerts.application.delivery_ports import Claim
from alerts.application.pressing import reader_of
from alerts.application.rules import RulesInForce
from alerts.domain.accounts import Account
from alerts.domain.action_links import LinkSigner
from alerts.domain.alerts import Notice
from alerts.domain.messages import (
    DAILY,
    WEEKLY,
    Digest,
    Links,
    Message,
    compose,
    digest_message,
    disabled_message,
    in_order,
    test_message,
    together,
)
from alerts.domain.task_messages import KINDS as TASK_KINDS
from alerts.domain.task_messages import task_message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language


@dataclass(frozen=True, slots=True)
class Composing:
    """What messages are made of besides the alert and its account."""

    rules: RulesInForce
    links: Links
    words: Mapping[Language, Vocabulary]
    signer: LinkSigner

    def message(self, claim: Claim) -> Message:
        """A notification in the language of whoever it is for, else of its channel."""
        person = claim.person
        return replace(
            self._message(claim),
            refused=claim.refused,
            to=person.email if person else None,
            mention=person.chat.mention if person and person.chat else None,
        )

    def _message(self, claim: Claim) -> Message:
        notification, words = claim.notification, self.words[self.language(claim)]
        if claim.alert is None:
            if notification.kind in {DAILY, WEEKLY}:
                links = self.links.to_worklist(claim.person.id if claim.person else None, words)
                return digest_message(notification.id, notification.kind, notification.about or {}, words, links)
            if notification.kind in TASK_KINDS and claim.account is not None:
                about = notification.about or {}
                return task_message(
                    notification.id, notification.kind, about, claim.account, notification.created_at, words, self.links
                )
            if notification.about is not None:
                return disabled_message(notification.id, notification.about, notification.created_at, words)
            return test_message(notification.id, claim.channel.name, notification.created_at, words)
        account = claim.account or Account(claim.alert.account_id)
        notice = Notice(notification.kind)
        message = compose(notification.id, notice, claim.alert, account, self.rules.latest, self.links, words)
        return replace(message, links=(*message.links, *self._to_do(claim, account, words)))

    def _to_do(self, claim: Claim, account: Account, words: Vocabulary) -> tuple[tuple[str, str], ...]:
        """Links that act, for what goes on. They are the same however often this notification is sent."""
        if claim.alert is None or claim.notification.kind == Notice.RESOLVED:
            return ()
        made_at = claim.notification.created_at
        return self.links.to_do(claim.alert, words, self.signer, reader_of(claim, account), made_at)

    def digest(self, digest_id: str, claims: tuple[Claim, ...]) -> Digest:
        """Several notifications for one channel as one."""
        messages = in_order([self.message(claim) for claim in claims])
        return Digest(digest_id, messages, self.words[claims[0].channel.language])

    def grouped(self, claims: tuple[Claim, ...]) -> Message:
        """What came together for one account, and one reader, as one message."""
        return together(in_order([self.message(claim) for claim in claims]))

    @staticmethod
    def language(claim: Claim) -> Language:
        """What its reader reads."""
        return claim.person.language if claim.person is not None else claim.channel.language
