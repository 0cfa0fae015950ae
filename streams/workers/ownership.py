"""Is this worker still the one that its partitions belong to? Only the group's coordinator knows.

A worker that is cut off from Kafka, or was suspended, goes on with what it has while its partitions are another's. What
it commits is found by the other under the same transaction id; what is refused to it may be accepted from the other.
"""

from __future__ import annotations

import asyncio
from typing import Any

from streams.workers.faust_app import LineApp

PAUSE_S = 0.5


async def owns_partitions(app: LineApp) -> bool:
    """Ask now, however long the coordinator cannot be reached. False: others may have been given the partitions."""
    thread = app.consumer._thread
    asked = asyncio.run_coroutine_threadsafe(_is_member(thread._consumer._coordinator), thread.thread_loop)
    return await asyncio.wrap_future(asked)


async def _is_member(coordinator: Any) -> bool:
    """A heartbeat with the generation of the assignment (aiokafka 0.14, consumer/group_coordinator.py).

    A rebalance that is under way is no reason: the partitions are ours until we have given them back.
    """
    while True:
        await coordinator.ensure_coordinator_known()
        if await coordinator._do_heartbeat():
            return True
        if not coordinator.member_id:  # the coordinator has said that it knows this member no longer
            return False
        await asyncio.sleep(PAUSE_S)
