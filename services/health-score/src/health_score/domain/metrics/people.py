"""Figures of the customer's people: who is there, who speaks for us, who left, and who was trained."""

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import counted, last_said, share, within
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value

_CONTACTS = last_said("contact")


def is_active(contact: Thing) -> bool:
    """Whether a contact is there: neither inactive nor gone. One of whom nobody said is there."""
    return contact.said("status") not in {"inactive", "left"}


def active_contacts(of: AsOf) -> list[Thing]:
    """The contacts who are there."""
    return [contact for contact in of.known.of("contact") if is_active(contact)]


def _is_there(_of: AsOf, contact: Thing) -> bool:
    return is_active(contact)


def _is_champion(_of: AsOf, contact: Thing) -> bool:
    return contact.said("role") == "champion" and is_active(contact)


def _is_champion_who_left_90d(of: AsOf, contact: Thing) -> bool:
    has_left = contact.said("role") == "champion" and contact.said("status") == "left"
    return has_left and within(of, contact.said_at("status"), 90)


def is_completed(training: Thing) -> bool:
    """Whether a course was completed: so stated, or its exam passed, or a certificate given."""
    return (
        training.said("stage") == "completed"
        or training.said("exam") == "passed"
        or training.said("certificate") is not None
    )


def _is_completed(_of: AsOf, training: Thing) -> bool:
    return is_completed(training)


def _contacts_trained_share(of: AsOf) -> Value:
    """Of the active contacts: those with a completed course."""
    contacts = {contact.id for contact in active_contacts(of)}
    trained = {training.said("contact_id") for training in of.known.of("training") if is_completed(training)}
    return share(len(contacts & trained), len(contacts))


def _contacts_certified(of: AsOf) -> Value:
    """How many people with a certificate are there; a certificate of nobody known stands for a person."""
    trainings = of.known.of("training")
    if not trainings:
        return None
    gone = {contact.id for contact in of.known.of("contact") if not is_active(contact)}
    holders = {
        ("contact", training.said("contact_id")) if training.said("contact_id") else ("training", training.id)
        for training in trainings
        if training.said("certificate") is not None
    }
    return sum(name not in gone for kind, name in holders if kind == "contact") + sum(
        kind == "training" for kind, _ in holders
    )


PEOPLE = (
    Metric(
        "contacts",
        Unit.COUNT,
        counted("contact", _is_there),
        _CONTACTS,
        means="Contacts who are there: neither inactive nor gone",
    ),
    Metric(
        "champions",
        Unit.COUNT,
        counted("contact", _is_champion),
        _CONTACTS,
        means="Champions among the active contacts",
    ),
    Metric(
        "champions_left_90d",
        Unit.COUNT,
        counted("contact", _is_champion_who_left_90d),
        _CONTACTS,
        means="Champions who left in 90 days",
    ),
    Metric(
        "courses_completed",
        Unit.COUNT,
        counted("training", _is_completed),
        last_said("training"),
        means="Courses completed, by statement, exam or certificate",
    ),
    Metric(
        "contacts_trained_share",
        Unit.SHARE,
        _contacts_trained_share,
        last_said("training", "contact"),
        means="Active contacts with a completed course ÷ active contacts",
    ),
    Metric(
        "contacts_certified",
        Unit.COUNT,
        _contacts_certified,
        last_said("training"),
        means="People with a certificate who are there",
    ),
)
"""The metrics of contacts and their training."""
