"""A worker that starts while Kafka is away waits: to end and to be started again would take longer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from streams.telemetry import Event, logger

_AGAIN_S = 0.2
_TIMEOUT_S = 5.0


async def reachable(brokers: Sequence[tuple[str, int]]) -> None:
    """Return when one of the brokers (host, port) takes connections."""
    is_told = False
    while True:
        for host, port in brokers:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _TIMEOUT_S)
            except OSError as error:  # a time-out, too
                cause = error
            else:
                writer.close()
                return
        if not is_told:
            logger().warning(Event.KAFKA_UNREACHABLE, cause=str(cause))
            is_told = True
        await asyncio.sleep(_AGAIN_S)
