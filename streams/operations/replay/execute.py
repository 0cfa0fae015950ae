"""Publishes what a plan says to the topics `replays.<identity>`: in batches, each outcome looked at once more before.

How far it has come is told after every batch, so that another process can go on where this one has died: what was
published and not told yet is published again, which changes nothing on the ledger.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from confluent_kafka import KafkaException, Producer

from streams.errors import PipelineError, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.lag import stretches
from streams.kafka.ranges import Tail
from streams.kafka.replays import Replay
from streams.kafka.topics import MAX_MESSAGE_BYTES, RESULTS, commands_topic, replays_topic
from streams.messages import RoutedCommand
from streams.operations.replay.again import Again
from streams.operations.replay.plan import Entry
from streams.operations.replay.plan_file import Plan
from streams.operations.replay.progress import Controls, tell_progress
from streams.operations.replay.verdicts import Verdict
from streams.operators import ReplayProgress, ReplayState

BATCH = 100
BEAT_S = 2.0
"""A process that publishes, or pauses, says so at least this often."""
LOST_AFTER_S = 15.0
"""A replay that says nothing for so long is published by nobody."""
DELIVERY_TIMEOUT_S = 30.0
NAMED = 100
"""Commands that a replay had to leave out, named in its progress."""


def this_process() -> str:
    """Who publishes."""
    return f"{socket.gethostname()}-{os.getpid()}"


def check_partitions(bootstrap_servers: str, identities: Iterable[str]) -> None:
    """Raises PipelineError if a topic of replays is not partitioned as that of its commands: nobody would take it."""
    for identity in identities:
        live, again = (len(stretches(bootstrap_servers, topic(identity))) for topic in (commands_topic, replays_topic))
        if live != again:
            raise PipelineError(
                f"{replays_topic(identity)} has {again} partitions, {commands_topic(identity)} has {live}:"
                " give both the same number first"
            )


@dataclass(slots=True)
class Execution:
    """One replay in this process."""

    bootstrap_servers: str
    plan: Plan
    progress: ReplayProgress
    again: Again
    controls: Controls
    tell: Callable[[ReplayProgress], None] = lambda _: None
    _changed: set[int] = field(default_factory=set, init=False)
    _results: Tail = field(init=False)
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self._results = Tail(self.bootstrap_servers, RESULTS, self.plan.head.results_end)
        self._producer = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "enable.idempotence": True,
                # As the workers' own producers choose a partition by key: what is replayed must meet what is live.
                "partitioner": "murmur2",
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "linger.ms": 5,
                "log_level": 0,
            }
        )

    def close(self) -> None:
        """Let go of Kafka."""
        self._results.close()

    def changed_since(self) -> list[str]:
        """The planned commands, of those that are not handled, that have a newer outcome than the plan knew.

        Raises KafkaException.
        """
        found = []
        for message in self._results.news():
            try:
                outcome = codecs.OUTCOMES.decode(message.value())
            except UnreadableMessage:
                continue  # its dead letter tells
            place = self.plan.place(outcome.command_id)
            if place is not None and place >= self.progress.handled and place not in self._changed:
                self._changed.add(place)
                found.append(outcome.command_id)
        return found

    def run(self) -> ReplayProgress:
        """Publish to the end. Raises KafkaException; PipelineError if another process has taken the replay over."""
        began_at, began_with = time.monotonic(), self.progress.handled
        self._note(state=ReplayState.RUNNING)
        while self.progress.handled < self.progress.planned:
            if self._is_paused():
                began_at, began_with = time.monotonic(), self.progress.handled
                continue
            count = min(self._batch_size(), self.progress.planned - self.progress.handled)
            self._publish(self.plan.slice(self.progress.handled, count), count)
            if (rate := self.progress.rate) is not None:
                due_at = began_at + (self.progress.handled - began_with) / rate
                self._rest_until(due_at)
        self._note(state=ReplayState.FINISHED)
        return self.progress

    def _batch_size(self) -> int:
        return BATCH if self.progress.rate is None else max(1, min(BATCH, int(self.progress.rate)))

    def _is_paused(self) -> bool:
        """Whether it shall stand still now: then it has done so for a moment."""
        self.controls.look()
        told = self.controls.of(self.progress.replay_id)
        if told.worker != self.progress.worker:
            raise PipelineError(f"replay {told.replay_id} is published by {told.worker} now; this process stops")
        if not self.controls.is_paused.get(self.progress.replay_id, False):
            return False
        self._note(state=ReplayState.PAUSED)
        time.sleep(BEAT_S / 4)
        return True

    def _rest_until(self, due_at: float) -> None:
        """Keep the rate, and keep telling that this process lives."""
        while (rest_s := due_at - time.monotonic()) > 0:
            time.sleep(min(rest_s, BEAT_S))
            if rest_s > BEAT_S:
                self._note()

    def _publish(self, entries: Sequence[Entry], count: int) -> None:
        self.changed_since()
        first, published, gone = self.progress.handled, 0, list[str]()
        wanted = [entry for place, entry in enumerate(entries, start=first) if place not in self._changed]
        changed = len(entries) - len(wanted)
        failures: list[object] = []
        for entry, command in self.again.commands(wanted):
            if command is None:
                gone.append(entry.command_id or "?")
                continue
            self._produce(entry, command, failures)
            published += 1
        if self._producer.flush(DELIVERY_TIMEOUT_S) or failures:
            raise KafkaException(f"not every record was taken: {failures[0] if failures else 'no answer in time'}")
        self._changed = {place for place in self._changed if place >= first + count}
        self._note(
            state=ReplayState.RUNNING,
            handled=first + count,
            published=self.progress.published + published,
            changed=self.progress.changed + changed,
            gone=self.progress.gone + len(gone),
            gone_ids=(*self.progress.gone_ids, *gone)[:NAMED],
        )

    def _produce(self, entry: Entry, command: RoutedCommand, failures: list[object]) -> None:
        replay = Replay(
            replay_id=self.progress.replay_id,
            share=self.progress.share,
            is_redrive=entry.verdict is Verdict.FAILED_CURABLE,
        )
        headers: Mapping[str, str] = {
            **replay.headers(command),
            "origin": f"{entry.topic}[{entry.partition}]@{entry.offset}",
        }
        self._producer.produce(
            replays_topic(command.identity),
            key=command.ordering_key.encode(),
            value=codecs.ROUTED_COMMANDS.encode(command),
            headers={name: text.encode() for name, text in headers.items()},
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        self._producer.poll(0)

    def _note(self, **changes: object) -> None:
        self.progress = replace(self.progress, happened_at=datetime.now(UTC), **changes)  # type: ignore[arg-type]
        tell_progress(self.bootstrap_servers, self.progress)
        self.tell(self.progress)
