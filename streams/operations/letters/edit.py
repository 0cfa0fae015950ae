"""Edit: another payload for a command that failed or is parked, as a new revision with transaction ids of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from streams.errors import MalformedCommand, PipelineError, RefusedCommand
from streams.kafka.replays import Replay
from streams.kafka.topics import RETENTION
from streams.ledger import Ledger
from streams.messages import ChangeEvent, Command, RoutedCommand
from streams.operations.audit import Writer
from streams.operations.letters import proof
from streams.operations.letters.discard import IN_HAND
from streams.operations.letters.fence import fenced
from streams.operations.letters.letter import Letter
from streams.operations.letters.redrive import deliver
from streams.operations.letters.step import resolve
from streams.operations.letters.watch import Watch, delivered, tried
from streams.operators import OperatorAction, Resolution
from streams.postgres.rows import Row
from streams.routes.table import Routes
from streams.stages.capture import capture
from streams.stages.route import route

ENDED_OR_UNDER_WAY = frozenset({"COMMITTED", "SUBMITTED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A letter's command as its service wrote it, and the revision that was refused or is parked.

    `last` is None if no worker was given any: its letter was made by the route worker. `first` is what the routes of
    today would give one then (None: they refuse it).
    """

    found: Letter
    event: ChangeEvent
    last: RoutedCommand | None
    first: RoutedCommand | None = None

    @property
    def revision(self) -> int:
        """Of the edited payload."""
        return self.found.revision + 1


def draft(found: Letter, row: Row | None, columns: Mapping[str, str], routes: Routes) -> Draft:
    """What there is to edit. Raises PipelineError (dealt with, committed, or no payload left) or MalformedCommand.

    A letter that was edited may be edited again; `objection` tells whether its next revision was delivered.
    """
    letter, last, done = found.letter, found.command, found.resolution
    if done is not None and done.resolution is not Resolution.EDITED:
        raise PipelineError(f"the letter was {done.resolution} by {done.by}: nothing to edit")
    status = row.status if row is not None else found.status
    if status in ENDED_OR_UNDER_WAY:
        raise PipelineError(f"its row is {status}: nothing to edit; see: streams trace {letter.command_id}")
    if last is None:
        if letter.command_id is None or letter.identity is not None:
            raise PipelineError("the letter preserves no command: there is no payload to edit")
        event = capture(letter.value, origin=letter.origin, columns=columns)
        return Draft(found=found, event=event, last=None, first=_routed(event, routes))
    if row is None:
        raise PipelineError(f"there is no row of {last.command_id}: its payload is not known")
    command = Command(
        command_id=last.command_id,
        tenant_id=last.tenant_id,
        service=row.service,
        command_type=last.command_type,
        request_id=last.request_id,
        payload=row.payload,
        created_at=last.created_at,
    )
    event = ChangeEvent(
        command=command,
        lsn=None,
        captured_at=last.captured_at,
        from_snapshot=False,
        origin=last.captured_from,
    )
    return Draft(found=found, event=event, last=last)


def _routed(event: ChangeEvent, routes: Routes) -> RoutedCommand | None:
    try:
        return route(event, routes, routed_at=datetime.now(UTC))
    except RefusedCommand:
        return None  # so no tool gives it to a worker


def revised(made: Draft, payload: str, routes: Routes) -> RoutedCommand:
    """The next revision, with this payload. Raises RefusedCommand, or MalformedCommand if another identity would sign.

    A command keeps the identity it was first routed to: under another one its earlier ids would say nothing.
    """
    event = replace(made.event, command=replace(made.event.command, payload=payload))
    command = replace(route(event, routes, routed_at=datetime.now(UTC)), revision=made.revision)
    if made.last is not None and command.identity != made.last.identity:
        raise MalformedCommand(
            f"it was routed to {made.last.identity}, the routes of today name {command.identity}",
            code="OTHER_IDENTITY",
            command_id=command.command_id,
        )
    return command


def digest(payload: str) -> str:
    """What the record of the action says of a payload, which may be secret."""
    return hashlib.sha256(payload.encode()).hexdigest()


def told(bootstrap_servers: str, made: Draft, identities: Collection[str]) -> str | None:
    """What the topics say against a later revision; None: nothing. Raises confluent_kafka.KafkaException."""
    command, done = made.event.command, made.found.resolution
    if done is not None:
        # Whoever died between the decision and the delivery may do it again: the revision has the same number, so of
        # the two that there may be in the end the ledger takes one.
        at = delivered(bootstrap_servers, identities, command.command_id, done.happened_at, made.revision)
        return None if at is None else f"it was {done.resolution} by {done.by}, and delivered ({at}): nothing to edit"
    if made.last is not None:
        return None
    happened_at = made.found.letter.happened_at
    since = max(min(command.created_at, happened_at), happened_at - RETENTION)  # whatever time a row carries
    at = delivered(bootstrap_servers, identities, command.command_id, since)
    at = at or tried(bootstrap_servers, command.command_id, since)
    if at is None:
        return None
    return f"it was routed although it has this letter ({at}): what a worker makes of it has a letter of its own"


async def objection(ledgers: Mapping[str, Ledger], made: Draft, command: RoutedCommand, settle_s: float) -> str | None:
    """Why `command` may not be made now; None: the ledger shows that no revision is or can become VALID.

    Revision 0 is always asked for. Its ids do not follow from its arguments, so those of a payload that cannot be
    routed are known too; it need not settle if no worker was ever given it.
    """
    settle_s = settle_s if made.last is not None else 0.0
    return await proof.against(ledgers, made.found, command, settle_s=settle_s, now=datetime.now(UTC))


async def publish(
    watch: Watch,
    ledgers: Mapping[str, Ledger],
    made: Draft,
    command: RoutedCommand,
    action: OperatorAction,
    settle_s: float,
) -> None:
    """Replace the revision and deliver the next one. Raises PipelineError if that may not be, KafkaException."""
    writer = Writer(watch.bootstrap_servers)
    first = made.last or made.first
    with fenced(watch.bootstrap_servers, [command] if first is None else [first, command], action) as in_hand:
        said = IN_HAND if command.command_id in in_hand else watch.news(action.action_id).get(command.command_id)
        said = said or await objection(ledgers, made, command, settle_s)
        if said is not None:
            raise PipelineError(f"{command.command_id} is not edited: {said}")
        # The decision first: when the next revision is delivered, every worker knows that it replaces the others. If
        # this process dies before the delivery, the letter can be edited again (`told`).
        resolve(writer, made.found, Resolution.EDITED, action, made.last)
    deliver(writer, [command], Replay(replay_id=action.action_id, is_redrive=True))
