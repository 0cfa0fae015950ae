"""All sources asked side by side: one that does not answer holds up no other, and is named."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.error import URLError

from confluent_kafka import KafkaException

from streams.errors import PipelineError
from streams.kafka.lag import lags
from streams.local.targets import Target
from streams.messages import DeadLetter
from streams.operations.top.frame import Look
from streams.operations.top.letters import LastLetters
from streams.operations.top.samples import Samples, scrape

T = TypeVar("T")

LETTERS_SHOWN = 5
LAGS_EVERY_S = 5.0
"""Asking Kafka for the lag of every group costs it a new client each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """The brokers, and which group reads which topic."""

    bootstrap_servers: str
    groups: dict[str, str]
    replay_groups: dict[str, str] = field(default_factory=dict)


class _Slow(Generic[T]):
    """Something that may take long: asked again when the answer is in and `every_s` is over; the newest is kept."""

    def __init__(self, ask: Callable[[], T], every_s: float) -> None:
        self._ask, self._every_s = ask, every_s
        self._asked_at = float("-inf")
        self.under_way: Future[T] | None = None
        self.answer: T | None = None
        self.problem: str | None = None

    def refresh(self, pool: ThreadPoolExecutor) -> None:
        """Take an answer that is in, and ask again when it is time."""
        if self.under_way is not None and self.under_way.done():
            try:
                self.answer, self.problem = self.under_way.result(), None
            except (KafkaException, PipelineError, OSError) as error:
                self.answer, self.problem = None, _first_line(error)
            self.under_way = None
        if self.under_way is None and time.monotonic() - self._asked_at >= self._every_s:
            self._asked_at = time.monotonic()
            self.under_way = pool.submit(self._ask)


class Looking:
    """Asks targets at each look, Kafka in the background. A context manager.

    `kafka` is None when its address is not known; then neither lag nor dead letters are told, unless a monitor does.
    """

    def __init__(self, targets: Callable[[], Sequence[Target]], kafka: KafkaAddress | None) -> None:
        self._targets = targets
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="top")
        self._letters: _Slow[list[DeadLetter]] | None = None
        self._lags: _Slow[dict[str, int]] | None = None
        self._followed: LastLetters | None = None
        if kafka is not None:
            followed = self._followed = LastLetters(kafka.bootstrap_servers, LETTERS_SHOWN)
            self._letters = _Slow(followed.newest, 0.0)
            self._lags = _Slow(lambda: _lags(kafka), LAGS_EVERY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._followed is not None:
            self._followed.close()

    def look(self, patience_s: float = 0.0) -> Look:
        """Ask everything; wait so long for Kafka, if it has not answered yet."""
        asked = {target: self._pool.submit(scrape, target.address) for target in self._targets()}
        slow = {"dead letters": self._letters, "lag": self._lags}
        for source in slow.values():
            if source is not None:
                source.refresh(self._pool)
        under_way: list[Future[Any]] = [each.under_way for each in slow.values() if each and each.under_way]
        wait(under_way, patience_s)
        scrapes: dict[Target, Samples] = {}
        problems: dict[str, str] = {}
        for target, future in asked.items():
            try:
                scrapes[target] = future.result()
            except (OSError, ValueError) as error:
                problems[target.process] = f"{target.address} is not reachable: {_first_line(error)}"
        for name, source in slow.items():
            if source is not None:
                source.refresh(self._pool)
                if source.problem is not None:
                    problems[name] = source.problem
        return Look(
            at=time.monotonic(),
            scrapes=scrapes,
            targets=list(asked),
            lags=None if self._lags is None else self._lags.answer,
            errors=None if self._letters is None else self._letters.answer,
            problems=problems,
        )


def _lags(kafka: KafkaAddress) -> dict[str, int]:
    """By group, over all of its topics."""
    found: Counter[str] = Counter()
    for groups in (kafka.groups, kafka.replay_groups):
        for lag in lags(kafka.bootstrap_servers, groups):
            found[lag.group] += lag.records
    return dict(found)


def _first_line(error: Exception) -> str:
    if isinstance(error, URLError):
        return str(error.reason)
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
