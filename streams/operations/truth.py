"""What the ledger says of a command, under every id that any of its attempts can have.

The id of an attempt follows from the command and from who signed. So each attempt is asked for under each identity and
each certificate that may have signed it. One VALID entry decides; without one, the newest attempt that is held does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from streams.errors import LedgerError
from streams.fabric.gateway import connect
from streams.ledger import VALID, Ledger, LedgerEntry
from streams.messages import RoutedCommand
from streams.retry import CONFLICTS, DUPLICATE_TXID
from streams.settings import FabricSettings


@dataclass(frozen=True, slots=True)
class Committed:
    """VALID, with the command's arguments."""

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class NotThere:
    """Nobody who can be asked holds any attempt (yet: what was submitted a moment ago may still come into a block)."""


@dataclass(frozen=True, slots=True)
class Open:
    """What is held was made invalid by conflicts; `attempt` is the first behind it, not held, and may be made."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Held as invalid by `code`, which no new attempt cures."""

    code: str


@dataclass(frozen=True, slots=True)
class Reused:
    """VALID under the command's id, with other arguments: another command had this id."""

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class NotKnown:
    """An id could not be asked for, and none of the others is VALID."""

    cause: str


Truth: TypeAlias = Committed | NotThere | Open | Refused | Reused | NotKnown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found under one id: an entry, nothing (None), or why it could not be asked for."""

    identity: str
    attempt: int
    transaction_id: str
    found: LedgerEntry | LedgerError | None


@asynccontextmanager
async def ledgers(settings: FabricSettings, identities: Iterable[str]) -> AsyncIterator[dict[str, Ledger]]:
    """The ledger as each identity of the wallet may ask it. Raises CredentialsInvalid."""
    async with AsyncExitStack() as stack:
        yield {identity: await stack.enter_async_context(connect(settings, identity)) for identity in identities}


async def truth(gateways: Mapping[str, Ledger], command: RoutedCommand, attempts: int) -> Truth:
    """The ledger's word on this revision of the command, of which `attempts` are known of (0: none).

    Attempts that nobody has told of are found too: each one follows from one that is held as invalid.
    """
    newest: LedgerEntry | None = None
    unknown: LedgerError | None = None
    following = 0
    for attempt in count():
        entry, problem = await _of_attempt(gateways, command, attempt)
        unknown = unknown or problem
        if entry is not None and entry.code == VALID:
            is_own = entry.arguments == (command.transaction_name, *command.arguments)
            return Committed(entry) if is_own else Reused(entry)
        if entry is not None:
            newest, following = entry, attempt + 1
        elif attempt + 1 >= attempts:
            break
    return _without_commit(newest, unknown, following)


async def truth_of(gateways: Iterable[Ledger], transaction_id: str) -> Truth:
    """The ledger's word on a transaction that somebody else made: its id follows from nothing, so one is enough.

    Every channel's member holds the same; the first of `gateways` that answers is believed.
    """
    unknown: LedgerError | None = None
    for gateway in gateways:
        match await _held(gateway, transaction_id):
            case LedgerError() as error:
                unknown = error
            case None:
                return NotThere()
            case LedgerEntry() as entry:
                return Committed(entry) if entry.code == VALID else Refused(entry.code)
    return NotKnown(str(unknown))


async def answers(gateways: Mapping[str, Ledger], command: RoutedCommand, attempt: int) -> list[Answer]:
    """What is held of one attempt, under the command's identity first, and there under earlier certificates first."""
    found = []
    for identity in sorted(gateways, key=lambda name: name != command.identity):
        proposal = gateways[identity].propose(command, attempt)
        for transaction_id in (*proposal.earlier_ids, proposal.transaction_id):
            entry = await _held(gateways[identity], transaction_id)
            found.append(Answer(identity=identity, attempt=attempt, transaction_id=transaction_id, found=entry))
            if isinstance(entry, LedgerEntry) and entry.code == VALID:
                return found
    return found


async def _of_attempt(
    gateways: Mapping[str, Ledger], command: RoutedCommand, attempt: int
) -> tuple[LedgerEntry | None, LedgerError | None]:
    """The entry that decides; and what kept an id from being asked for."""
    newest, unknown = None, None
    for answer in await answers(gateways, command, attempt):
        match answer.found:
            case LedgerError() as error:
                unknown = error
            case LedgerEntry(code=code) as entry if code != DUPLICATE_TXID and (
                newest is None or newest.code in CONFLICTS or code == VALID
            ):
                newest = entry
    return newest, unknown


async def _held(ledger: Ledger, transaction_id: str) -> LedgerEntry | LedgerError | None:
    try:
        return await ledger.look_up(transaction_id)
    except LedgerError as error:
        return error


def _without_commit(newest: LedgerEntry | None, unknown: LedgerError | None, following: int) -> Truth:
    if unknown is not None:
        return NotKnown(str(unknown))
    if newest is None:
        return NotThere()
    return Open(following) if newest.code in CONFLICTS else Refused(newest.code)
