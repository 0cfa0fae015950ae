"""Everything that is known of one command, in the order of time: printed when something is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from streams.chaos.findings import Findings
from streams.chaos.saboteur import Deed
from streams.chaos.schedule import Kill, Stall, Trouble

_AROUND = timedelta(seconds=5)


def timeline(findings: Findings, command_id: str) -> list[str]:
    """One line per thing that happened: row, writes, records, transactions, and the deeds of that time."""
    told = sorted(_told(findings, command_id))
    if not told:
        return [f"nothing is known of {command_id}"]
    first, last = told[0][0] - _AROUND, told[-1][0] + _AROUND
    deeds = [(deed.at, _deed(deed)) for deed in findings.deeds if first <= deed.at <= last]
    return [*_rows(findings, command_id), *(f"{at:%H:%M:%S.%f} {text}" for at, text in sorted(told + deeds))]


def _rows(findings: Findings, command_id: str) -> Iterator[str]:
    for row in findings.evidence.rows:
        if row.command_id == command_id:
            yield f"row: {row}"
    ids = _transaction_ids(findings, command_id)
    for transaction in findings.evidence.transactions:
        if transaction.transaction_id in ids or any(command_id in text for text in transaction.arguments):
            yield f"ledger: {transaction}"


def _told(findings: Findings, command_id: str) -> Iterator[tuple[datetime, str]]:
    if command_id in findings.acknowledged:
        planned, at = findings.acknowledged[command_id]
        yield at, f"inserted; must end {planned.end}"
    for change in findings.evidence.changes:
        if change.command_id == command_id:
            yield change.changed_at, f"row {change.before} -> {change.after} {change.transaction_id} {change.error}"
    for origin, outcome in findings.records.outcomes.get(command_id, ()):
        text = f"{outcome.kind} by {outcome.worker} attempts={outcome.attempts} {outcome.transaction_id}"
        yield outcome.happened_at, f"{origin} {text} block={outcome.block_number} {outcome.error or ''}"
    for origin, letter in findings.records.dead_letters.get(command_id, ()):
        text = f"{letter.kind} {letter.error_code} by {letter.worker}: {letter.cause} {letter.transaction_ids}"
        yield letter.happened_at, f"{origin} dead letter {text}, from {letter.origin}"


def _transaction_ids(findings: Findings, command_id: str) -> set[str]:
    told = {outcome.transaction_id or "" for _, outcome in findings.records.outcomes.get(command_id, ())}
    letters = findings.records.dead_letters.get(command_id, ())
    return told.union(*(letter.transaction_ids for _, letter in letters)) - {""}


def _deed(deed: Deed) -> str:
    done = "" if deed.is_done else " (in vain)"
    match deed.what:
        case Kill(component=component, down_s=down_s):
            return f"    SIGKILL {component}, back after {down_s:.1f} s{done}"
        case Stall(component=component, for_s=for_s):
            return f"    SIGSTOP {component}, SIGCONT after {for_s:.1f} s{done}"
        case Trouble(kind=kind, for_s=for_s):
            return f"    database: {kind} for {for_s:.1f} s{done}"
        case fault:
            fields = " ".join(f"{name}={value}" for name, value in fault.fields.items() if name != "seed")
            fields += " ".join(("", *fault.organisations))
            return f"    fault {fault.kind} for {fault.for_s:.1f} s {fields}{done}"
