"""What the tools for dead letters need of a deployment: topics, rows, routes and the ledger, made from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import psycopg

from streams.errors import PipelineError
from streams.ledger import Ledger
from streams.messages import RoutedCommand
from streams.operations.letters.letter import Letter, read_letters
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.operations.truth import ledgers
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import Row, fetch_rows, statuses
from streams.routes.table import Routes, load_routes
from streams.settings import ToolSettings
from streams.stages.capture import capture
from streams.stages.route import route

T = TypeVar("T")
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """One call of a tool."""

    settings: ToolSettings
    profile: Profile
    routes: Routes

    @classmethod
    def of(cls, settings: ToolSettings) -> Desk:
        """Raises SettingsInvalid or RoutesInvalid."""
        return cls(settings, load_profile(settings.postgres.profile), load_routes(settings.routes))

    @property
    def bootstrap_servers(self) -> str:
        """Of Kafka."""
        return self.settings.kafka.bootstrap_servers

    def letters(
        self, since: datetime, on_no_rows: Callable[[str], None], keeps: Callable[[Letter], bool]
    ) -> list[Letter]:
        """Since then; `on_no_rows` is told why rows could not be asked. Raises confluent_kafka.KafkaException.

        `keeps`: as in `standing`.
        """

        def ask(command_ids: list[str]) -> dict[str, str]:
            try:
                return self._in_database(lambda connection: self._statuses(connection, command_ids))
            except psycopg.OperationalError as error:
                on_no_rows(str(error).strip().splitlines()[0])
                return {}

        return read_letters(self.bootstrap_servers, since, ask, keeps)

    def row(self, command_id: str) -> Row | None:
        """Raises psycopg.Error."""
        return self._in_database(lambda connection: fetch_rows(connection, self.profile, [command_id])).get(command_id)

    def reroute(self, found: Letter) -> RoutedCommand | None:
        """The command of a change event, by the routes of today; None: it is another record. Raises RefusedCommand."""
        letter = found.letter
        if letter.origin.topic != self.profile.cdc_topic(self.settings.kafka.topic_prefix):
            return None
        event = capture(letter.value, origin=letter.origin, columns=self.profile.columns)
        return route(event, self.routes, routed_at=datetime.now(UTC))

    @asynccontextmanager
    async def ledgers(self) -> AsyncIterator[dict[str, Ledger]]:
        """As each identity of the routes. Raises CredentialsInvalid."""
        async with ledgers(self.settings.fabric, self.routes.identities) as found:
            yield found

    def _statuses(self, connection: psycopg.Connection[tuple[object, ...]], command_ids: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for at in range(0, len(command_ids), ROWS_AT_ONCE):
            found |= statuses(connection, self.profile, command_ids[at : at + ROWS_AT_ONCE])
        return found

    def _in_database(self, question: Callable[[psycopg.Connection[tuple[object, ...]]], T]) -> T:
        dsn = self.settings.postgres.dsn.get_secret_value()
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            return question(connection)


def named(name: str) -> Callable[[Letter], bool]:
    """Whether a letter may be the one of this name; what an offset names shows only when all are read."""
    return lambda found: name.isdecimal() or found.letter.command_id == name


def the_one(letters: list[Letter], name: str) -> Letter:
    """The letter of this command id or at this offset. Raises PipelineError if there is none."""
    matching = [
        found
        for found in letters
        if found.letter.command_id == name
        or (name.isdecimal() and int(name) in {at.offset for at in (found.address, *found.earlier)})
    ]
    if not matching:
        raise PipelineError(f"no dead letter of {name}; see: streams dead-letters list --each --all")
    return matching[-1]
