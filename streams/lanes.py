"""Order per key, acknowledgements in order. Knows no Kafka.

`Lanes` runs items that share a key one after the other and all others side by side.
`InOrder` acknowledges what was taken from a partition strictly in the order in which it was taken, so that a
committed offset never passes an item that is not finished.
How many run at once, and whose turn it is, is the business of `streams.window`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


class Abandoned(BaseException):
    """An item is given up unfinished because of a drain; whoever delivered it will deliver it again.

    Like a cancellation it passes through code that catches every `Exception`, and nothing about it is a bug.
    """


@dataclass(eq=False, slots=True)
class Token:
    """One item taken from a partition. `is_stale`: the partition was given back before the item finished.

    `at_work_since`: a time of the event loop's clock; None while the item waits on purpose, or behind others.
    """

    partition: Hashable
    acknowledge: Callable[[], None]
    is_finished: bool = field(default=False, init=False)
    is_stale: bool = field(default=False, init=False)
    at_work_since: float | None = field(default=None, init=False)

    def works(self, now: float) -> None:
        """From now on every wait of the item has an end."""
        self.at_work_since = now

    def rests(self) -> None:
        """The item waits on purpose."""
        self.at_work_since = None


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

    def oldest(self, partition: Hashable) -> Token | None:
        """The item of the partition that is to be acknowledged next; None: there is none."""
        return next(iter(self._taken.get(partition, ())), None)

    def distance(self, partition: Hashable) -> int:
        """How many items of the partition were taken and not acknowledged: what a crash would deliver again."""
        return len(self._taken.get(partition, ()))

    @property
    def unacknowledged(self) -> int:
        """How many items of all partitions were taken and not acknowledged."""
        return sum(len(waiting) for waiting in self._taken.values())


@dataclass(eq=False, slots=True)
class _Held(Generic[T]):
    """An item and its keys; `behind` counts the keys of which it is not the first."""

    item: T
    keys: tuple[str, ...]
    behind: int = 0


class Lanes(Generic[T]):
    """Runs `work(item)`: items that share a key one at a time in the order of `put`, all others at once.

    `work` owns its failures: an exception that escapes it goes to `on_bug`, and the keys of its item stay closed until
    the next `drain`, so that nothing overtakes the item that failed. `Abandoned` closes the keys in silence.
    A lane exists while it holds an item: there is no trace of a key that has none.
    """

    def __init__(
        self, work: Callable[[T], Awaitable[None]], *, on_bug: Callable[[BaseException], Awaitable[None]]
    ) -> None:
        self._work = work
        self._on_bug = on_bug
        self._lanes: dict[str, deque[_Held[T]]] = {}
        self._items = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._drains = 0

    def put(self, keys: Sequence[str], item: T) -> None:
        """Queue an item behind every one of its keys; it runs when it is the first of all of them.

        Keys named twice count once; without a key it runs at once. During a drain the item is dropped.
        """
        if self._drains:
            return
        held = _Held(item, tuple(dict.fromkeys(keys)))
        for key in held.keys:
            lane = self._lanes.setdefault(key, deque())
            held.behind += bool(lane)
            lane.append(held)
        self._items += 1
        if not held.behind:
            self._start(held)

    def _start(self, held: _Held[T]) -> None:
        task = asyncio.create_task(self._run(held), name=f"lane {', '.join(held.keys)}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, held: _Held[T]) -> None:
        if self._drains:
            return
        try:
            await self._work(held.item)
        except Abandoned:
            return
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # by drain; otherwise something inside the work was cancelled, which is a bug like any other
            await self._on_bug(error)
            return
        self._step_aside(held)

    def _step_aside(self, held: _Held[T]) -> None:
        """The item is finished: those that are now the first of all their keys start.

        The order of `put` is one for all keys, so the earliest item held is the first everywhere: no deadlock.
        """
        self._items -= 1
        for key in held.keys:
            lane = self._lanes[key]
            lane.popleft()
            if not lane:
                del self._lanes[key]
                continue
            lane[0].behind -= 1
            if not lane[0].behind and not self._drains:
                self._start(lane[0])

    async def drain(self, timeout_s: float) -> int:
        """Drop what has not started, let what runs finish, cancel it after `timeout_s`; how many were cancelled.

        When it is over nothing runs, also when the drain itself was cancelled.
        """
        self._drains += 1
        late: set[asyncio.Task[None]] = set()
        try:
            if self._tasks:
                _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        finally:
            late = {task for task in self._tasks if not task.done()}
            for task in late:
                task.cancel()
            try:
                await asyncio.gather(*late, return_exceptions=True)
            finally:
                self._lanes, self._items = {}, 0
                self._drains -= 1
        return len(late)

    @property
    def keys(self) -> int:
        """How many keys have items queued or running, or are closed."""
        return len(self._lanes)

    @property
    def items(self) -> int:
        """How many items are queued, running, or hold their keys closed."""
        return self._items
