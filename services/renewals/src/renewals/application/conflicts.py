"""Conflicts between the ledger and other systems: they open, go on and end; deciding them is `resolving`'s."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mainstay.kernel.ids import new_id
from renewals.application.announcing import SOURCE
from renewals.application.ports import Work
from renewals.application.sources import ConflictState, ContractConflict, Key, Plan, SourceRecord, author
from renewals.domain.contracts import Contract
from renewals.domain.faces import Face, face, field_of
from renewals.domain.reconciling import Conflict, ConflictKind
from renewals.domain.taking import is_touched


async def keep_conflicts(work: Work, plans: Mapping[Key, Plan], now: datetime) -> None:
    """Open conflicts that are new, go on with those that stand, and end those on which both sides agree."""
    standing = {(each.key, each.field): each for each in await work.sources.standing(plans)}
    kept: list[ContractConflict] = []
    for key, plan in plans.items():
        if plan.record is None or not plan.is_compared:
            continue
        for conflict in plan.conflicts:
            kept += _gone_on(standing.pop((key, conflict.difference.field), None), plan.record, conflict, now)
        kept += [replace(each, state=ConflictState.ENDED) for (of, _), each in standing.items() if of == key]
    await work.sources.keep(kept)


def _gone_on(
    stands: ContractConflict | None, record: SourceRecord, conflict: Conflict, now: datetime
) -> Sequence[ContractConflict]:
    difference = conflict.difference
    if stands is not None and (stands.state is ConflictState.OPEN or stands.there == difference.there):
        return [
            replace(stands, here=difference.here, there=difference.there, kind=conflict.kind, detail=conflict.detail)
        ]
    over = [replace(stands, state=ConflictState.ENDED)] if stands else []
    new = ContractConflict(
        id=new_id(now),
        source=record.source,
        external_id=record.external_id,
        account_id=record.account_id,
        contract_id=record.contract_id,
        kind=conflict.kind,
        field=difference.field,
        here=difference.here,
        there=difference.there,
        detail=conflict.detail,
        since=now,
    )
    return [*over, new]


async def review(work: Work, contracts: Sequence[Contract]) -> None:
    """End the conflicts on which the source and the ledger agree since, whoever saw to that."""
    by_id = {each.id: each for each in contracts}
    kept, agreed = [], defaultdict[Key, set[str]](set)
    for each in await work.sources.standing_of(by_id):
        if each.contract_id is None or each.kind not in {ConflictKind.CHANGED_HERE, ConflictKind.LEDGER_REFUSES}:
            continue
        here = field_of(by_id[each.contract_id], each.field)
        if here == each.there:
            kept.append(replace(each, here=here, state=ConflictState.ENDED))
            agreed[each.key].add(each.field)
        elif here != each.here:
            kept.append(replace(each, here=here))
    await work.sources.keep(kept)
    for key, record in (await work.sources.records(agreed)).items() if agreed else ():
        await agree(work, record, agreed[key])


async def agree(work: Work, record: SourceRecord, fields: Collection[str]) -> None:
    """From now on the fields are nobody's: the source and the ledger agree on them."""
    contract_id = str(record.contract_id)
    revision = (await work.ledger.latest([contract_id]))[contract_id]
    touched = await touched_since(work, record, revision)
    left = frozenset(each for each in touched if not any(is_touched(field, [each]) for field in fields))
    await work.sources.save([replace(record, seen=revision, touched=left)])


async def touched_since(work: Work, record: SourceRecord, revision: int) -> frozenset[str]:
    """The fields that people changed since the source and the ledger last agreed, up to a revision."""
    touched = set(record.touched)
    if record.contract_id is None or revision <= record.seen:
        return frozenset(touched)
    after, was = max(record.seen - 1, 0), Face()
    while some := await work.ledger.revisions(record.contract_id, after=after, limit=100):
        for each in some:
            now = face(each.contract)
            if each.number > record.seen and each.recorded_by not in {SOURCE, author(record.source)}:
                touched |= {name for name in {*was, *now} if was.get(name) != now.get(name)}
            after, was = each.number, now
    return frozenset(touched)
