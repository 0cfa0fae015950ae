"""How far a partition's newest command may be ahead of its oldest that is not acknowledged. Knows no Faust."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from streams.lanes import InOrder, Token
from streams.workers.progress import ALWAYS


class Intake:
    """Takes from partitions and acknowledges in order; a partition that is `most` ahead is paused until half of that.

    So what comes again after a crash is bounded, and one slow key does not stop the other partitions.
    """

    def __init__(self, most: int, *, pause: Callable[[Hashable], None], resume: Callable[[Hashable], None]) -> None:
        self._most = most
        self._pause, self._resume = pause, resume
        self._in_order = InOrder()
        self._paused: set[Hashable] = set()

    def take(self, partition: Hashable, acknowledge: Callable[[], None]) -> Token:
        """The next command of a partition was taken."""
        token = self._in_order.take(partition, acknowledge)
        if partition not in self._paused and self._in_order.distance(partition) >= self._most:
            self._paused.add(partition)
            self._pause(partition)
        return token

    def finish(self, token: Token) -> None:
        """A command is finished: acknowledge it when its turn comes."""
        self._in_order.finish(token)
        if token.partition in self._paused and self._in_order.distance(token.partition) <= self._most // 2:
            self._paused.discard(token.partition)
            self._resume(token.partition)

    def forget(self) -> None:
        """The partitions were given back; they come back unpaused."""
        self._in_order.forget()
        self._paused.clear()

    def is_paused(self, partition: Hashable) -> bool:
        """Nothing is taken from it now, on purpose."""
        return partition in self._paused

    def at_work_since(self, partition: Hashable) -> float | None:
        """Since when the oldest command is at work without a rest; None: it waits on purpose. No command: always."""
        oldest = self._in_order.oldest(partition)
        return ALWAYS if oldest is None else oldest.at_work_since

    @property
    def paused(self) -> int:
        """How many partitions are paused."""
        return len(self._paused)

    @property
    def unacknowledged(self) -> int:
        """Commands taken and not acknowledged."""
        return self._in_order.unacknowledged
