"""When the first record at or after an offset was written: what a lag in seconds is measured from."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TypeAlias

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition

READ_TIMEOUT_S = 10.0
_POLL_S = 0.2
_AT_ONCE = 64
_FETCH_BYTES = 65_536

Place: TypeAlias = tuple[tuple[str, int], int]
"""((topic, partition), offset)."""


class FirstRecords:
    """Reads one record per place and remembers when it was written, for as long as the place is asked for.

    So a scrape reads only where a group has moved since the one before, and memory is one entry per place. Control
    records and gaps of compaction are passed over: the record read is the first that a reader would be given.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "monitor",  # required by the library; nothing is ever committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # what was removed between the question and the reading
                "isolation.level": "read_uncommitted",
                # One record of each partition is wanted, not what follows it.
                "queued.min.messages": 1,
                "fetch.message.max.bytes": _FETCH_BYTES,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        self._known_s: dict[Place, float | None] = {}

    def close(self) -> None:
        """End the connections."""
        self._consumer.close()

    def written_s(self, places: Collection[Place]) -> dict[Place, float]:
        """Seconds since the epoch; a place without any record up to the end of its partition is left out.

        Raises confluent_kafka.KafkaException when a partition cannot be read.
        """
        # A place where no record was may have one by now: that is asked again.
        self._known_s = {place: at for place, at in self._known_s.items() if at is not None and place in places}
        new = sorted(place for place in places if place not in self._known_s)
        while new:
            # Two groups may stand at different offsets of one partition, and a partition is read at one at a time.
            batch = dict(reversed(new[:_AT_ONCE]))
            self._read(batch)
            new = [place for place in new if place not in self._known_s]
        return {place: at for place, at in self._known_s.items() if at is not None}

    def _read(self, starts: dict[tuple[str, int], int]) -> None:
        missing = dict(starts)
        self._consumer.assign([TopicPartition(*at, offset) for at, offset in missing.items()])
        try:
            deadline = time.monotonic() + READ_TIMEOUT_S
            while missing:
                message = self._consumer.poll(_POLL_S)
                if message is not None:
                    self._take(message, missing)
                if missing and time.monotonic() > deadline:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"no record of {min(missing)[0]} arrived"))
        finally:
            self._consumer.unassign()

    def _take(self, message: Message, missing: dict[tuple[str, int], int]) -> None:
        at = (message.topic(), message.partition())
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            if not error.retriable():
                raise KafkaException(error)
            return
        if at not in missing:
            return  # what had been fetched before its partition was let go
        written_s = None
        if error is None:
            kind, milliseconds = message.timestamp()
            written_s = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds / 1000
        self._known_s[at, missing.pop(at)] = written_s
        self._consumer.incremental_unassign([TopicPartition(*at)])
