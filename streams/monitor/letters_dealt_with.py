"""What closes dead letters: resolutions of operators, and commands that were committed after all."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence

import psycopg

from streams.errors import SourceIncomplete, UnknownSchema, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.tail import Tail
from streams.messages import Origin
from streams.monitor.database import KeptConnection
from streams.postgres.profiles import Profile
from streams.postgres.rows import statuses

AT_MOST_S = 20.0
ROWS_AT_ONCE = 1000
COMMITTED = "COMMITTED"


class Resolutions:
    """Follows the topic `operator-actions`. Close it."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail

    def close(self) -> None:
        """End the connections."""
        self._tail.close()

    def new(self) -> Iterator[Origin]:
        """The letters of resolutions since the last call. Raises KafkaException, SourceIncomplete."""
        for record in self._tail.read(AT_MOST_S):
            if codecs.LETTER_RESOLUTIONS.wrote(record.value):
                with contextlib.suppress(UnreadableMessage, UnknownSchema):  # the tools for letters say so
                    yield codecs.LETTER_RESOLUTIONS.decode(record.value).letter
        if self._tail.behind:
            raise SourceIncomplete(f"{self._tail.behind:,} records of {self._tail.topic} are still to be read")


class CommittedRows:
    """Asks for the rows of commands, over a connection that is kept. Close it."""

    def __init__(self, dsn: str, profile: Profile) -> None:
        self._connection = KeptConnection(dsn)
        self._profile = profile

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def among(self, command_ids: Sequence[str]) -> Collection[str]:
        """The commands whose rows are COMMITTED; none while Postgres is away, which other sources tell."""
        with contextlib.suppress(psycopg.Error):
            return self._connection.ask(lambda connection: self._committed(connection, command_ids))
        return ()

    def _committed(self, connection: psycopg.Connection[object], command_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for at in range(0, len(command_ids), ROWS_AT_ONCE):
            rows = statuses(connection, self._profile, command_ids[at : at + ROWS_AT_ONCE])
            found |= {command_id for command_id, status in rows.items() if status == COMMITTED}
        return found
