"""Where is this command? Row, change event, routed command, outcomes, and the ledger's own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

import psycopg

from streams.errors import LedgerError, MalformedCommand, PipelineError, UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import origin_of, read_since
from streams.kafka.topics import DEAD_LETTERS, RESULTS, commands_topic
from streams.messages import ChangeEvent, DeadLetter, Origin, Outcome, RoutedCommand
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.operations.truth import Answer, answers, ledgers
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import Row, fetch_rows
from streams.routes.table import load_routes
from streams.settings import ToolSettings
from streams.stages.capture import capture

M = TypeVar("M", RoutedCommand, Outcome, DeadLetter)
STAGES = ("created", "captured", "routed", "taken", "endorsed", "submitted", "committed")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAnswer:
    """What the ledger holds under the id of one attempt; `code` is None when it holds nothing."""

    identity: str
    attempt: int
    transaction_id: str
    code: str | None
    block_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything known of one command, in the order of the line. Each list is in the order in which it was written."""

    row: Row
    changes: Sequence[ChangeEvent]
    routed: Sequence[tuple[Origin, RoutedCommand]]
    outcomes: Sequence[tuple[Origin, Outcome]]
    dead_letters: Sequence[tuple[Origin, DeadLetter]]
    ledger: Sequence[LedgerAnswer]
    ledger_problem: str | None = None

    @property
    def stages(self) -> dict[str, datetime]:
        """When the command passed each stage, as its last outcome tells it."""
        told = self.outcomes[-1][1].stages if self.outcomes else {}
        return {stage: told[stage] for stage in STAGES if stage in told}

    @property
    def durations_s(self) -> dict[str, float]:
        """Seconds from the stage before, by stage."""
        return {stage: (at - before).total_seconds() for (_, before), (stage, at) in pairwise(self.stages.items())}


async def trace(settings: ToolSettings, command_id: str) -> Trace:
    """Look everywhere. Raises PipelineError (no such row), psycopg.Error, KafkaException."""
    profile = load_profile(settings.postgres.profile)
    row = _row(settings, profile, command_id)
    found = Trace(
        row=row,
        changes=list(_changes(settings, profile, row)),
        routed=list(_routed(settings, row)),
        outcomes=list(_read(settings, RESULTS, row, codecs.OUTCOMES.decode)),
        dead_letters=list(_read(settings, DEAD_LETTERS, row, codecs.DEAD_LETTERS.decode)),
        ledger=(),
    )
    if not found.routed:
        return found
    attempts = max([1, row.attempts, *(outcome.attempts for _, outcome in found.outcomes)])
    asked: list[LedgerAnswer] = []
    try:
        for command in {command.identity: command for _, command in found.routed}.values():
            async with ledgers(settings.fabric, [command.identity]) as gateways:
                asked += [_told(answer) for n in range(attempts) for answer in await answers(gateways, command, n)]
    except PipelineError as error:
        return replace(found, ledger=asked, ledger_problem=str(error))
    return replace(found, ledger=asked)


def _told(answer: Answer) -> LedgerAnswer:
    """Raises LedgerError if the ledger could not be asked."""
    if isinstance(answer.found, LedgerError):
        raise answer.found
    return LedgerAnswer(
        identity=answer.identity,
        attempt=answer.attempt,
        transaction_id=answer.transaction_id,
        code=answer.found.code if answer.found else None,
        block_number=answer.found.block_number if answer.found else None,
    )


def _row(settings: ToolSettings, profile: Profile, command_id: str) -> Row:
    with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
        rows = fetch_rows(connection, profile, [command_id])
    if command_id not in rows:
        raise PipelineError(f"no row with id {command_id} in {profile.schema}.{profile.table}")
    return rows[command_id]


def _changes(settings: ToolSettings, profile: Profile, row: Row) -> Iterator[ChangeEvent]:
    topic = profile.cdc_topic(settings.kafka.topic_prefix)
    for message in read_since(settings.kafka.bootstrap_servers, topic, row.created_at):
        if row.command_id.encode() not in (message.value() or b""):
            continue
        try:
            change = capture(message.value(), origin=origin_of(message), columns=profile.columns)
        except MalformedCommand:
            continue  # its dead letter tells
        if change.command.command_id == row.command_id:
            yield change


def _routed(settings: ToolSettings, row: Row) -> Iterator[tuple[Origin, RoutedCommand]]:
    for identity in load_routes(settings.routes).identities:
        yield from _read(settings, commands_topic(identity), row, codecs.ROUTED_COMMANDS.decode)


def _read(
    settings: ToolSettings, topic: str, row: Row, decode: Callable[[bytes | None], M]
) -> Iterator[tuple[Origin, M]]:
    for message in read_since(settings.kafka.bootstrap_servers, topic, row.created_at):
        try:
            decoded = decode(message.value())
        except UnreadableMessage:
            continue  # the worker has made a dead letter of it
        if decoded.command_id == row.command_id:
            yield origin_of(message), decoded
