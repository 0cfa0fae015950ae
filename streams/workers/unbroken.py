"""A guard against records that never reach an agent: acknowledgements would pass over them.

It holds for topics as ours are. What Kafka itself leaves out of the numbers, because retention or compaction removed it
or because it marks the end of a transaction, is looked up and is no reason to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from streams.errors import PipelineError


class Unbroken:
    """Whether each record is the next one there is: after the one before it, or after what is committed.

    `committed(partition)`: the offset that the partition's assignment began at, None if nothing is committed.
    `next_there(topic, partition, offset)`: the first offset, not before this one, that has a record. May block.
    """

    def __init__(self, committed: Callable[[Any], int | None], next_there: Callable[[str, int, int], int]) -> None:
        self._committed, self._next_there = committed, next_there
        self._next: dict[Any, tuple[int, int]] = {}

    async def check(self, message: Any) -> None:
        """Call it before a Faust message is taken. Raises PipelineError when records before it were left out."""
        generation, wanted = self._next.get(message.tp, (None, 0))
        if generation != message.generation_id:  # the first one of an assignment
            wanted = self._committed(message.tp) or 0
        if wanted < message.offset:
            there = await asyncio.to_thread(self._next_there, message.topic, message.partition, wanted)
            if there < message.offset:
                raise PipelineError(f"offset {there} of {message.tp} was left out, {message.offset} came instead")
        self._next[message.tp] = (message.generation_id, message.offset + 1)
