"""Whether the network carries out what it is asked: healthy parts still have to find each other."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from streams.errors import EndorseFailed, StackFailed
from streams.fabric.gateway import Gateway, connect
from streams.messages import Origin, RoutedCommand
from streams.settings import FabricSettings

DEADLINE_S = 60.0
_POLL_S = 0.1


def wait_until_it_endorses(settings: FabricSettings, identity: str) -> None:
    """Ask for endorsements, which leave no trace, until both organisations give theirs. Raises StackFailed."""
    asyncio.run(_wait(settings, identity))


async def _wait(settings: FabricSettings, identity: str) -> None:
    said = ""
    try:
        async with asyncio.timeout(DEADLINE_S), connect(settings, identity) as gateway:
            while said := await _refusal(gateway):
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise StackFailed(f"the network does not endorse after {DEADLINE_S:g} s: {said}") from None


async def _refusal(gateway: Gateway) -> str:
    """Why no endorsement was given; empty when it was. What the chaincode says is its matter: it runs."""
    try:
        await gateway.propose(_question(), 0).endorse()
    except EndorseFailed as failed:
        return "" if failed.refused else str(failed)
    return ""


def _question() -> RoutedCommand:
    """A function that changes nothing, as a command."""
    now = datetime.now(UTC)
    return RoutedCommand(
        command_id=f"readiness-{now.isoformat()}",
        tenant_id="",
        command_type="READINESS",
        request_id="",
        identity="",
        contract="AdminContract",
        function="GetSystemStatus",
        arguments=(),
        ordering_key="",
        created_at=now,
        captured_at=now,
        routed_at=now,
        captured_from=Origin(topic="", partition=0, offset=0),
    )
