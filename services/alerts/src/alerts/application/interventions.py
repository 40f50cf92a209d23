"""What runs for accounts and mutes alerts meanwhile: nobody needs to hear of what somebody is working on already."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from alerts.application.playbooks import PlaybooksInForce
from alerts.application.ports import Work
from alerts.domain.muting import Intervention


class Interventions:
    """Finds the runs that mute."""

    def __init__(self, playbooks: PlaybooksInForce) -> None:
        self._playbooks = playbooks

    async def __call__(self, work: Work, account_ids: Collection[str]) -> Mapping[str, Sequence[Intervention]]:
        """By account."""
        found: dict[str, list[Intervention]] = defaultdict(list)
        for run in await work.runs.open_of(account_ids) if account_ids else ():
            playbook = self._playbooks.readable(run.playbook, run.version, run.document)
            if playbook is not None and playbook.mutes is not None:
                running = Intervention(run.id, playbook.name.en, run.cause, run.started_at, playbook.mutes)
                found[run.account_id].append(running)
        return found
