"""What becomes of each event of a CloudEvents request."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from ingest.api import cloudevents
from ingest.api.answers import Answer, json_answer, problem
from ingest.api.cloudevent import CloudEvent
from ingest.application.stated import Delivery, Received, RefusedEvent
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused


class Verdict(msgspec.Struct):
    """`duplicate` is a repetition within the request; `retry` was not acknowledged and is to be sent again.

    An event that is `ok` may have a code: `waiting-for-account` where it was set aside until its user's account is
    known, `suppressed` where it is about somebody who was erased, `plan-warning` where it breaks its plan.
    """

    id: str | None
    result: Literal["ok", "duplicate", "invalid", "retry"]
    code: str | None = None
    detail: str | None = None


class Verdicts:
    """One request's events, read one by one into its delivery, and a verdict for each, in their order.

    `place` is the JSON pointer of an event in the body, with `{}` for its index.
    """

    def __init__(self, delivery: Delivery, *, place: str) -> None:
        self._delivery, self._place = delivery, place
        self._clock = SenderClock.observed(delivery.received_at, None)
        self._verdicts: list[Verdict] = []
        self._first: dict[tuple[str, str], Verdict] = {}
        self._repeats: list[tuple[Verdict, Verdict]] = []
        self._refusals: list[Refused] = []

    def read(self, document: msgspec.Raw) -> None:
        """Read the next event of structured or batch mode."""
        try:
            event = cloudevents.read_event(document, self._delivery.policy.limits)
            self._take(event, bytes(document))
        except Refused as refused:
            self._refuse(bytes(document), cloudevents.stated_id(document), refused)

    def read_binary(self, body: bytes, attributes: Mapping[str, str]) -> None:
        """Read the event of binary mode."""
        try:
            self._take(cloudevents.binary_event(body, attributes, self._delivery.policy.limits), body)
        except Refused as refused:
            self._refuse(body, attributes.get("id"), refused)

    def _take(self, event: CloudEvent, document: bytes) -> None:
        stated, memberships = cloudevents.stated(event, self._clock, document)
        verdict = Verdict(event.id, "ok")
        first = self._first.setdefault((event.source, event.id), verdict)
        if first is verdict:
            self._delivery.stated.append(stated)
            self._delivery.places.append(len(self._verdicts))
            self._delivery.memberships += memberships
        else:
            verdict.result = "duplicate"
            self._repeats.append((verdict, first))
        self._verdicts.append(verdict)

    def _refuse(self, document: bytes, event_id: str | None, refused: Refused) -> None:
        place = len(self._verdicts)
        self._delivery.refused.append(RefusedEvent(place, document, refused, event_id))
        self._verdicts.append(Verdict(event_id, "invalid"))

    def decided(self, received: Received) -> None:
        """What became of the delivery."""
        verdicts = self._verdicts
        for place in received.waiting:
            verdicts[place].code = "waiting-for-account"
            verdicts[place].detail = "The event is kept, and counts as soon as its user's account is known."
        for place in received.suppressed:
            verdicts[place].code = "suppressed"
            verdicts[place].detail = "The event is about somebody who was erased, and was left out."
        for place, detail in received.warnings:
            verdicts[place].code, verdicts[place].detail = "plan-warning", detail
        for each in received.refused:
            refusal = each.refusal
            self._refusals.append(refusal.within(self._place.format(each.place)))
            detail = f"{refusal.pointer}: {refusal.detail}" if refusal.pointer else refusal.detail
            _change(verdicts[each.place], "invalid", refusal.code, detail)
        for place in received.unacknowledged:
            detail = "The event may be stored or not: send it again as it is."
            _change(verdicts[place], "retry", "log-unavailable", detail)
        for repetition, first in self._repeats:
            if first.result in {"retry", "invalid"}:
                _change(repetition, first.result, first.code, first.detail)

    def answer(self, trace_id: str) -> Answer:
        """200 when all is well, 207 when some were invalid, 400 when all were, 503 when any is to be sent again."""
        found = {verdict.result for verdict in self._verdicts}
        if found == {"invalid"}:
            code, detail = "events-refused", "No event of the batch is acceptable."
            if len(self._refusals) == 1:
                code, detail = self._refusals[0].code, self._refusals[0].detail
            return problem(code, detail, trace_id, self._refusals, results=self._verdicts)
        status = 503 if "retry" in found else 207 if "invalid" in found else 200
        return json_answer(status, {"results": self._verdicts})


def _change(
    verdict: Verdict, result: Literal["ok", "duplicate", "invalid", "retry"], code: str | None, detail: str | None
) -> None:
    verdict.result, verdict.code, verdict.detail = result, code, detail
