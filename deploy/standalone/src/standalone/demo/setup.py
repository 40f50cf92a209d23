"""What the demo sets up besides usage: contracts, and the channels that lead to the inbox."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standalone.demo.contracts import Contract
from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings
from standalone.folders import write_private

IN_FLIGHT = 6


async def enter_contracts(services: Services, renewals_url: str, contracts: Iterable[Contract]) -> int:
    """Enter those contracts that renewals does not have yet; answers how many."""
    known = await services.all_pages(f"{renewals_url}/v1/contracts?limit=500")
    there = {contract["external_id"] for contract in known}
    missing = [contract for contract in contracts if contract.external_id not in there]
    turns = asyncio.Semaphore(IN_FLIGHT)

    async def enter(contract: Contract) -> None:
        async with turns:
            await services.post(f"{renewals_url}/v1/contracts", contract.body, contract.external_id)

    async with asyncio.TaskGroup() as group:
        for contract in missing:
            group.create_task(enter(contract))
    return len(missing)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of the demo: its name, and the rest of the body of POST /v1/channels."""

    name: str
    rest: dict[str, Any]

    @property
    def is_signed(self) -> bool:
        """Whether it has a secret that the inbox needs to verify what arrives."""
        return bool(self.rest["kind"] == "webhook")


def channels(inbox_url: str) -> tuple[Channel, ...]:
    """Chat for the team and a webhook for a CSM tool; both lead to the inbox. People are mailed in person."""
    return (
        Channel("Team chat (demo)", {"kind": "slack", "url": f"{inbox_url}/chat/customer-success"}),
        Channel("CSM platform (demo)", {"kind": "webhook", "url": f"{inbox_url}/webhooks/csm-platform"}),
    )


async def open_channels(services: Services, settings: DemoSettings) -> None:
    """Make the channels that are not there yet, and leave the webhook's secret where the inbox looks for it.

    A webhook whose secret got lost is made anew: alerts shows a secret only once.
    """
    known = await services.all_pages(f"{settings.alerts_url}/v1/channels?limit=500")
    by_name = {channel["name"]: channel["id"] for channel in known}
    for channel in channels(settings.inbox_url):
        channel_id = by_name.get(channel.name)
        if channel_id is not None:
            if not channel.is_signed or _has_secrets(settings.webhook_secrets_file):
                continue
            await services.delete(f"{settings.alerts_url}/v1/channels/{channel_id}")
        made = await services.post(f"{settings.alerts_url}/v1/channels", {"name": channel.name, **channel.rest})
        if channel.is_signed:
            write_private(settings.webhook_secrets_file, made["secret"])


def _has_secrets(file: Path) -> bool:
    return file.exists() and bool(file.read_text().strip())
