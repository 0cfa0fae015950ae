"""Suspicion and the ledger's word -> Finding: what was found, who can put it right, and how. Pure."""

from __future__ import annotations

from dataclasses import replace

from streams.messages import OutcomeKind, RoutedCommand
from streams.operations.reconcile.facts import Told
from streams.operations.reconcile.findings import HELD_AS, Finding
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import Suspicion
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Reused, Truth
from streams.stages.write_back import RowStatus

_WHY = "reconciled"
_UNSETTLED = frozenset({RowStatus.PENDING, RowStatus.LOCKED, RowStatus.SUBMITTED})


def finding(suspicion: Suspicion, command: RoutedCommand | None, truth: Truth | None) -> Finding:
    """`command` and `truth`: None where no routed command is left to ask the ledger about."""
    found = Finding(
        kind=Kind(suspicion.kind),
        command_id=suspicion.command_id,
        command_type=command.command_type if command else None,
        identity=command.identity if command else None,
        transaction_id=suspicion.transaction_id,
        status=suspicion.status,
        seen=suspicion.seen,
        truth=None if truth is None else told(truth),
        told_at=suspicion.told_at,
    )
    if isinstance(truth, Committed):
        entry = truth.entry
        found = replace(found, transaction_id=entry.transaction_id, block_number=entry.block_number)
    if suspicion.may_be_sent:
        return replace(found, remedy=_of_sent(truth))
    remedy, line = _remedy(found, truth)
    return replace(found, remedy=remedy, command=line)


def told(truth: Truth) -> str:
    """The ledger's word, for people."""
    match truth:
        case Committed(entry):
            return f"VALID in block {entry.block_number}"
        case NotThere():
            return "holds nothing"
        case Open(attempt):
            return f"holds {attempt} attempts that met conflicts"
        case Refused(code):
            return f"{HELD_AS}{code}"
        case Reused(entry):
            return f"VALID in block {entry.block_number} with other arguments"
        case NotKnown(cause):
            return f"not known: {cause}"


def _remedy(found: Finding, truth: Truth | None) -> tuple[Remedy, str]:
    """Who can put it right, and the command line for it."""
    match found.kind:
        case Kind.ROW_WITHOUT_EVENT:
            return Remedy.EMIT, _emit(found)
        case Kind.PAYLOAD_CHANGED:
            return Remedy.PERSON, _edit(found)
        case Kind.FAILED_BUT_ON_LEDGER:
            return Remedy.PERSON, _redrive(found)
        case Kind.EVENT_WITHOUT_OUTCOME if truth is None:
            return Remedy.REPLAY, _replay(found)
        case (
            Kind.EVENT_WITHOUT_OUTCOME
            | Kind.SUBMITTED_LONG_AGO
            | Kind.OUTCOME_DISAGREES_WITH_ROW
            | Kind.ROW_PUT_BACK
            | Kind.FINAL_ROW_WITHOUT_OUTCOME
        ):
            return _by_truth(found, truth)
        case _:
            return Remedy.PERSON, ""


def _of_sent(truth: Truth | None) -> Remedy:
    """Never sent again by us: under an id of ours it would be a second transaction beside the one it may have."""
    return Remedy.WRITE if isinstance(truth, Committed) else Remedy.PERSON


def _by_truth(found: Finding, truth: Truth | None) -> tuple[Remedy, str]:
    is_unsettled = found.status in _UNSETTLED
    match truth:
        case Committed() if is_unsettled or found.status == RowStatus.COMMITTED:
            return Remedy.WRITE, ""
        case Committed():  # FAILED is for good, unless somebody has the command tried again: then the row learns it
            return Remedy.PERSON, _redrive(found)
        case NotThere() | Open() | Refused() if _is_failure_not_shown(found):
            return Remedy.WRITE, ""
        case Refused() if is_unsettled and found.kind != Kind.ROW_PUT_BACK:
            return Remedy.WRITE, ""
        case NotThere() | Open() if is_unsettled:
            return Remedy.REPLAY, _replay(found)
        case Refused() | Reused():
            return Remedy.PERSON, _edit(found)
        case _:
            return Remedy.PERSON, ""


def _is_failure_not_shown(found: Finding) -> bool:
    """A worker has told that the command failed for good, and the row lacks it."""
    if found.kind != Kind.OUTCOME_DISAGREES_WITH_ROW or found.told_at is None or found.status not in _UNSETTLED:
        return False
    return Told.parse(found.told_at).kind == OutcomeKind.FAILED


def _emit(found: Finding) -> str:
    status = "" if found.status == RowStatus.PENDING else f" --status {found.status}"
    return f"streams replay --from-table{status} --command-id {found.command_id} --execute"


def _replay(found: Finding) -> str:
    has_failed = found.told_at is not None and Told.parse(found.told_at).kind == OutcomeKind.FAILED
    failed = " --include-failed" if has_failed else ""
    return f"streams replay{failed} --command-id {found.command_id} --execute"


def _redrive(found: Finding) -> str:
    return f"streams dead-letters redrive --command-id {found.command_id} --reason {_WHY} --execute"


def _edit(found: Finding) -> str:
    return f"streams dead-letters edit {found.command_id} --reason {_WHY}"
