"""Asks one source again and again, and knows how fresh its answer is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from confluent_kafka import KafkaException

from streams.errors import PipelineError
from streams.monitor.metrics import Sample
from streams.monitor.source import Source
from streams.telemetry import Event, logger

EXPECTED = (PipelineError, psycopg.Error, KafkaException, OSError)
"""What a neighbour that is away makes the libraries raise; anything else is a bug of ours and logged with its trace."""

STALE_PERIODS, STALE_S = 3, 15.0
"""An answer counts for so many periods, and so many seconds for the next one to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a source said, and when: `at` on the monotonic clock, `at_s` in seconds since the epoch."""

    samples: tuple[Sample, ...]
    at: float
    at_s: float


class Watch:
    """One source, its thread, and what it answered last."""

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source {source.name}", daemon=True)
        self._answer: Answer | None = None
        self._problem: str | None = "not asked yet"
        self._asked_at: float | None = None
        self._is_asked = False
        self._is_up: bool | None = None

    def start(self) -> None:
        """Ask from now on, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; does not wait for a question that is under way."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def ask(self) -> None:
        """Ask once, and keep the answer or the reason why there is none."""
        self._asked_at = self._clock()
        try:
            samples = tuple(self.source.collect())
        except EXPECTED as error:
            self._failed(error)
        except Exception as error:
            logger().exception(Event.SOURCE_LOST, source=self.source.name, cause=repr(error))
            self._failed(error)
        else:
            self._answer = Answer(samples=samples, at=self._clock(), at_s=time.time())
            self._succeeded()
        self._asked_at, self._is_asked = None, True

    @property
    def is_asked(self) -> bool:
        """It was asked once, whatever came of it."""
        return self._is_asked

    @property
    def last_success_s(self) -> float | None:
        """When it answered last, seconds since the epoch."""
        return self._answer.at_s if self._answer is not None else None

    def fresh(self) -> Sequence[Sample] | None:
        """What it answered; None if it is away or its answer is old."""
        patience_s = STALE_PERIODS * self.source.period_s + self.source.longest_s + STALE_S
        answer = self._answer
        if answer is None or self._problem is not None or self._clock() - answer.at > patience_s:
            return None
        return answer.samples

    def problem(self) -> str | None:
        """Why nothing fresh is known of it."""
        if self.fresh() is not None:
            return None
        return f"{self.source.name}: {self._problem or 'its answer is overdue'}"

    def stands_still(self) -> str | None:
        """For /live: a question that never ends, which no neighbour that is away can cause."""
        asked_at, stuck_s = self._asked_at, self.source.stuck_s
        if asked_at is None or stuck_s is None:
            return None
        age_s = self._clock() - asked_at
        return f"{self.source.name} has been asked for {age_s:.0f} s" if age_s > stuck_s else None

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.ask()
                retry_s = self.source.retry_s if self._problem is not None else None
                self._stopping.wait(self.source.period_s if retry_s is None else retry_s)
        finally:
            self.source.close()

    def _succeeded(self) -> None:
        self._problem = None
        if self._is_up is False:
            logger().info(Event.SOURCE_BACK, source=self.source.name)
        self._is_up = True

    def _failed(self, error: Exception) -> None:
        """Said once, when it goes; /ready and the metric say it for as long as it lasts."""
        self._problem = (str(error).strip().splitlines() or [repr(error)])[0]
        if self._is_up is not False:
            logger().warning(Event.SOURCE_LOST, source=self.source.name, cause=self._problem)
        self._is_up = False
