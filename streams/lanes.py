"""Order per key, a bounded window, acknowledgements in order. Knows no Kafka.

`Lanes` runs items of one key one after the other and items of different keys side by side.
`InOrder` acknowledges what was taken from a partition strictly in the order in which it was taken, so that a
committed offset never passes an item that is not finished.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Token:
    """One item taken from a partition. `is_stale`: the partition was given back before the item finished."""

    partition: Hashable
    acknowledge: Callable[[], None]
    is_finished: bool = field(default=False, init=False)
    is_stale: bool = field(default=False, init=False)


class InOrder:
    """Acknowledges finished items per partition, never one before an earlier one."""

    def __init__(self) -> None:
        self._taken: dict[Hashable, deque[Token]] = {}

    def take(self, partition: Hashable, acknowledge: Callable[[], None]) -> Token:
        """Note that the next item of the partition was taken; `acknowledge` is called once, when its turn comes."""
        token = Token(partition, acknowledge)
        self._taken.setdefault(partition, deque()).append(token)
        return token

    def finish(self, token: Token) -> None:
        """The item is finished: acknowledge it and those behind it, as far as there is no gap."""
        token.is_finished = True
        if token.is_stale:
            return
        waiting = self._taken[token.partition]
        while waiting and waiting[0].is_finished:
            waiting.popleft().acknowledge()

    def forget(self) -> None:
        """The partitions were given back: nothing that is still open will be acknowledged."""
        for waiting in self._taken.values():
            for token in waiting:
                token.is_stale = True
        self._taken.clear()

    @property
    def unacknowledged(self) -> int:
        """How many items were taken and not acknowledged."""
        return sum(len(waiting) for waiting in self._taken.values())


class Lanes(Generic[T]):
    """Runs `work(item)`: one at a time per key, at most `max_in_flight` at once.

    `put` waits while `max_taken` items are queued or running. `work` owns its failures: an exception that escapes it
    goes to `on_bug`, and its key stays closed until the next `drain`, so that nothing overtakes the item that failed.
    """

    def __init__(
        self,
        work: Callable[[T], Awaitable[None]],
        *,
        max_in_flight: int,
        max_taken: int,
        on_bug: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self._work = work
        self._on_bug = on_bug
        self._window = asyncio.Semaphore(max_in_flight)
        self._taken = asyncio.Semaphore(max_taken)
        self._queues: dict[str, deque[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self._drains = 0

    async def put(self, key: str, item: T) -> None:
        """Queue an item behind the others of its key; dropped if a drain comes before there is room."""
        drains = self._drains
        await self._taken.acquire()
        if self._is_draining or drains != self._drains:
            self._taken.release()
            return
        if key in self._queues:
            self._queues[key].append(item)
            return
        queue = self._queues[key] = deque([item])
        task = asyncio.create_task(self._run(key, queue), name=f"lane {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: str, queue: deque[T]) -> None:
        try:
            while queue:
                async with self._window:
                    if self._is_draining:
                        return
                    await self._work(queue[0])
                queue.popleft()
                self._taken.release()
            del self._queues[key]
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # by drain; otherwise something inside the work was cancelled, which is a bug like any other
            await self._on_bug(error)

    async def drain(self, timeout_s: float) -> int:
        """Drop what has not started, let what runs finish, cancel it after `timeout_s`; how many were cancelled."""
        self._is_draining = True
        late: set[asyncio.Task[None]] = set()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for queue in self._queues.values():
            for _ in queue:
                self._taken.release()
        self._queues.clear()
        self._is_draining = False
        self._drains += 1
        return len(late)

    @property
    def keys(self) -> int:
        """How many keys have items queued or running, or are closed by a bug."""
        return len(self._queues)
