"""Whether the network carries out what it is asked: healthy parts still have to find each other.

A process of its own (`python -m streams.local.fabric.readiness IDENTITY`, under the settings of the network), because
the supervisor goes on to start children: a process that has used gRPC does not fork well.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from streams.errors import EndorseFailed, PipelineError, StackFailed
from streams.fabric.gateway import Gateway, connect
from streams.messages import Origin, RoutedCommand
from streams.settings import ExternalLedgerSettings, FabricSettings, load

DEADLINE_S = 60.0
_POLL_S = 0.1


def main() -> int:
    """Ask for endorsements, which leave no trace, until every organisation gives its own; 1 when they do not."""
    try:
        asyncio.run(_wait(load(ExternalLedgerSettings).fabric, sys.argv[1]))
    except PipelineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _wait(settings: FabricSettings, identity: str) -> None:
    said = ""
    try:
        async with asyncio.timeout(DEADLINE_S), connect(settings, identity) as gateway:
            while said := await _refusal(gateway):  # noqa: ASYNC110 (a peer that finds another one tells nobody)
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


if __name__ == "__main__":
    sys.exit(main())
