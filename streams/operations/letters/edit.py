"""Edit: another payload for a command that failed or is parked, as a new revision with transaction ids of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from streams.errors import MalformedCommand, PipelineError
from streams.kafka.replays import Replay
from streams.ledger import Ledger
from streams.messages import ChangeEvent, Command, RoutedCommand
from streams.operations.audit import Writer
from streams.operations.letters import proof
from streams.operations.letters.discard import IN_HAND
from streams.operations.letters.fence import fenced
from streams.operations.letters.letter import Letter
from streams.operations.letters.redrive import deliver
from streams.operations.letters.step import resolve
from streams.operators import OperatorAction, Resolution
from streams.postgres.rows import Row
from streams.routes.table import Routes
from streams.stages.capture import capture
from streams.stages.route import route


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A letter's command as its service wrote it, and the revision that was refused or is parked (None: none was)."""

    found: Letter
    event: ChangeEvent
    last: RoutedCommand | None

    @property
    def revision(self) -> int:
        """Of the edited payload."""
        return self.found.revision + 1


def draft(found: Letter, row: Row | None, columns: Mapping[str, str]) -> Draft:
    """What there is to edit. Raises PipelineError (dealt with, or no payload left) or MalformedCommand."""
    letter, last = found.letter, found.command
    if found.resolution is not None:
        raise PipelineError(f"the letter was {found.resolution.resolution} by {found.resolution.by}: nothing to edit")
    if last is None:
        if letter.command_id is None or letter.identity is not None:
            raise PipelineError("the letter preserves no command: there is no payload to edit")
        return Draft(found=found, event=capture(letter.value, origin=letter.origin, columns=columns), last=None)
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


async def objection(ledgers: Mapping[str, Ledger], made: Draft, settle_s: float) -> str | None:
    """Why no later revision may be made now; None: the ledger shows that no earlier one is or can become VALID."""
    if made.last is None:
        return None  # nothing was ever sent for it
    return await proof.against(ledgers, made.found, made.last, settle_s=settle_s, now=datetime.now(UTC))


async def publish(
    bootstrap_servers: str,
    ledgers: Mapping[str, Ledger],
    made: Draft,
    command: RoutedCommand,
    action: OperatorAction,
    settle_s: float,
) -> None:
    """Replace the revision and deliver the next one. Raises PipelineError if that may not be, KafkaException."""
    writer = Writer(bootstrap_servers)
    with fenced(bootstrap_servers, [made.last or command], action) as in_hand:
        said = IN_HAND if command.command_id in in_hand else await objection(ledgers, made, settle_s)
        if said is not None:
            raise PipelineError(f"{command.command_id} is not edited: {said}")
        # The decision first: when the next revision is delivered, every worker knows that it replaces the others.
        resolve(writer, made.found, Resolution.EDITED, action, made.last)
    deliver(writer, [command], Replay(replay_id=action.action_id, is_redrive=True))
