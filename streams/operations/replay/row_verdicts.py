"""Row without an event -> RowJudgement: whether Debezium may be asked to emit it.

Whoever submitted a transaction that the row names need not have been a worker of this line: the polling worker's
transaction ids are random and do not follow from the command. What a worker would submit for such a row is a second
transaction, so the ledger is asked about the one that is named, and without its VALID a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from streams.errors import LedgerError, RefusedCommand
from streams.ledger import VALID, Ledger
from streams.messages import ChangeEvent, Command, Origin
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Reused, Truth, truth
from streams.postgres.rows import Row
from streams.routes.table import Routes
from streams.stages.route import route

UNFINISHED = ("PENDING", "LOCKED")
"""A row with another status has been submitted, or has its end: it is never emitted."""


class RowVerdict(StrEnum):
    """What is done about a row."""

    MISSING = "no event: emit"
    HAS_EVENT = "has an event: skip"
    UNDER_WAY = "in progress: capture has not passed it"
    ON_LEDGER = "no event, on the ledger: see streams reconcile"
    NOT_KNOWN = "no event, the ledger did not tell: skip"
    PERSON = "no event, may have been submitted: a person decides"


@dataclass(frozen=True, slots=True)
class RowJudgement:
    """`reason` is empty for what is emitted."""

    verdict: RowVerdict
    reason: str = ""


async def judge_row(row: Row, routes: Routes, gateways: Mapping[str, Ledger]) -> RowJudgement:
    """What is done about a row that has no event. Only one without a transaction, which nobody finished, is emitted."""
    if row.transaction_id is not None:
        return await _of_transaction(row.transaction_id, gateways)
    if row.status not in UNFINISHED:
        return RowJudgement(RowVerdict.PERSON, f"the row is {row.status} and names no transaction: who ended it?")
    try:
        command = route(_as_event(row), routes, routed_at=datetime.now(UTC))
    except RefusedCommand:
        return RowJudgement(RowVerdict.MISSING)  # the route worker shall say so in the row
    return _of_truth(await truth(gateways, command, row.attempts))


async def _of_transaction(transaction_id: str, gateways: Mapping[str, Ledger]) -> RowJudgement:
    """The verdict on a row that names a transaction: every identity may be asked, the first entry decides."""
    problem = "there is no identity to ask" if not gateways else ""
    for ledger in gateways.values():
        try:
            entry = await ledger.look_up(transaction_id)
        except LedgerError as error:
            problem = problem or str(error)
            continue
        if entry is not None and entry.code == VALID:
            where = f"VALID in block {entry.block_number}"
            return RowJudgement(RowVerdict.ON_LEDGER, f"its transaction {transaction_id} is {where}")
        if entry is not None:
            why = f"is held as {entry.code}: whether another one was submitted, the row does not tell"
            return RowJudgement(RowVerdict.PERSON, f"its transaction {transaction_id} {why}")
    if problem:
        return RowJudgement(RowVerdict.NOT_KNOWN, f"its transaction {transaction_id}: {problem}")
    why = "is not on the ledger, and may come to it as long as somebody submits it"
    return RowJudgement(RowVerdict.PERSON, f"its transaction {transaction_id} {why}")


def _of_truth(found: Truth) -> RowJudgement:
    """The verdict on a row that names no transaction, from what the ledger holds under the ids of its command."""
    match found:
        case NotThere():
            return RowJudgement(RowVerdict.MISSING)
        case NotKnown(cause):
            return RowJudgement(RowVerdict.NOT_KNOWN, cause)
        case Committed(entry):
            return RowJudgement(RowVerdict.ON_LEDGER, f"VALID as {entry.transaction_id} in block {entry.block_number}")
        case Reused(entry):
            return RowJudgement(RowVerdict.ON_LEDGER, f"VALID with other arguments as {entry.transaction_id}")
        case Refused(code):
            return RowJudgement(RowVerdict.ON_LEDGER, f"held as {code}")
        case Open(attempt):
            return RowJudgement(RowVerdict.ON_LEDGER, f"its first {attempt} attempts are held as invalid")


def _as_event(row: Row) -> ChangeEvent:
    """What its event would say, for the ids under which the ledger may know it."""
    command = Command(
        command_id=row.command_id,
        tenant_id=row.tenant_id,
        service=row.service,
        command_type=row.command_type,
        request_id=row.request_id,
        payload=row.payload,
        created_at=row.created_at,
    )
    origin = Origin(topic="", partition=0, offset=0)
    return ChangeEvent(command=command, lsn=None, captured_at=row.created_at, from_snapshot=True, origin=origin)
