"""Training by period: who began, finished and passed, and how many of those who work with the product were trained."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.stories import Story
from health_score.domain.kpis.use import MONTH, UserDays

_GONE = frozenset({"inactive", "left"})


@dataclass(slots=True)
class Training:
    """Training records by what became of them; people trained and active users are those of the period's end."""

    enrolled: int = 0
    completed: int = 0
    dropped: int = 0
    certified: int = 0
    exams_passed: int = 0
    exams_failed: int = 0
    people_trained: int = 0
    active_users: int = 0

    @property
    def exams(self) -> int:
        """Exams taken."""
        return self.exams_passed + self.exams_failed

    @property
    def pass_rate(self) -> Fraction | None:
        """Exams passed ÷ taken."""
        return Fraction(self.exams_passed, self.exams) if self.exams else None

    @property
    def trained_per_active_user(self) -> Fraction | None:
        """People trained ÷ active users."""
        return Fraction(self.people_trained, self.active_users) if self.active_users else None


def completed_at(record: Story) -> datetime | None:
    """Since when a course is completed: so stated, or its exam passed, or a certificate given. None: it is not."""
    known: dict[str, object] = {}
    since = None
    for each in record.statements:
        known |= each.fields
        if known.get("stage") != "completed" and known.get("exam") != "passed" and known.get("certificate") is None:
            since = None
        elif since is None:
            since = each.at
    return since


def count_training(past: Past, ledger: Ledger[Training]) -> None:
    """Count each record where it was first heard of, completed, dropped and certified, and each exam.

    Trained are people who are there; a record of nobody known stands for a person.
    """
    records = [(record, completed_at(record)) for record in past.stories("training")]
    for record, completed in records:
        if (cell := ledger.at(record.first_at)) is not None:
            cell.enrolled += 1
        if (cell := ledger.at(completed)) is not None:
            cell.completed += 1
        if record.said("stage") == "dropped" and (cell := ledger.at(record.since("stage"))) is not None:
            cell.dropped += 1
        if (cell := ledger.at(record.since("certificate"))) is not None:
            cell.certified += 1
        for said_at, result in record.changes("exam"):
            if result is not None and (cell := ledger.at(said_at)) is not None:
                cell.exams_passed += result == "passed"
                cell.exams_failed += result == "failed"
    contacts = {contact.id: contact for contact in past.stories("contact")}
    use = UserDays(past.activity.days)
    for end in ledger.ends():
        done = [record for record, completed in records if completed is not None and completed < end.before]
        people = {contact_id for record in done if (contact_id := record.said("contact_id")) is not None}
        there = sum(record.said("contact_id") is None for record in done) + sum(
            contact_id not in contacts or contacts[contact_id].said_before("status", end.before) not in _GONE
            for contact_id in people
        )
        active = use.distinct(end.day, MONTH)
        if (there or active) and (cell := ledger.at_end(end)) is not None:
            cell.people_trained += there
            cell.active_users += active
