"""An alert in English, as the API and events say it: a rule's own sentences, with names in the place of codes."""

from collections.abc import Mapping

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.rules import Rule
from mainstay.language.naming import name_of
from mainstay.language.negotiation import Language

CODES = ("metric", "measure")


def title_of(alert: Alert, account: Account, rule: Rule | None) -> str:
    """What happened, in one line."""
    if rule is None:
        return f"{account.label}: {alert.rule}"
    return rule.worded(rule.title, _words(alert, account))


def text_of(alert: Alert, account: Account, rule: Rule | None) -> str:
    """Why, in a sentence or two."""
    return rule.worded(rule.text, _words(alert, account)) if rule else ""


def _words(alert: Alert, account: Account) -> Mapping[str, str]:
    names = {code: name_of(alert.words[code], Language.EN) for code in CODES if code in alert.words}
    return {**alert.words, **names, "account": account.label}
