"""The figures of a run."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.chaos.checker.evidence import VALID
from streams.chaos.checker.expected import expected_call
from streams.chaos.findings import Findings
from streams.chaos.schedule import Fault, Kill, Stall, Trouble

DUPLICATE = "DUPLICATE_TXID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the report tells. Times in seconds; `recovered_s` by component, only kills after which commands came.

    `stalled_s`: how long each component stood still, each time.
    """

    killed: Counter[str]
    in_vain: int
    stalled_s: dict[str, list[float]]
    faults: Counter[str]
    troubles: Counter[str]
    ends: Counter[tuple[str, str]]
    codes: Counter[str]
    repeated: dict[str, int]
    recovered_s: dict[str, list[float]]
    duplicates: int


def summarise(findings: Findings) -> Summary:
    """Count."""
    kills = [deed for deed in findings.deeds if isinstance(deed.what, Kill)]
    codes = Counter(transaction.code for transaction in findings.evidence.transactions)
    return Summary(
        killed=Counter(d.what.component for d in kills if isinstance(d.what, Kill) and d.is_done),
        in_vain=sum(not deed.is_done for deed in kills),
        stalled_s=_stalled(findings),
        faults=Counter(d.what.kind for d in findings.deeds if isinstance(d.what, Fault) and d.is_done),
        troubles=Counter(d.what.kind for d in findings.deeds if isinstance(d.what, Trouble) and d.is_done),
        ends=Counter((row.command_type, row.status) for row in findings.evidence.rows),
        codes=codes,
        repeated={
            "change events captured again": _again(findings.records.events.values()),
            "commands routed again": _again(findings.records.routed.values()),
            "final outcomes told again": findings.records.repeated_ends,
            "transactions ordered again (DUPLICATE_TXID)": codes[DUPLICATE],
        },
        recovered_s=_recovered(findings),
        duplicates=_duplicates(findings),
    )


def _stalled(findings: Findings) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for deed in findings.deeds:
        if isinstance(deed.what, Stall) and deed.is_done:
            times[deed.what.component].append(deed.what.for_s)
    return dict(times)


def _again(counts: Iterable[int]) -> int:
    return sum(count - 1 for count in counts)


def _duplicates(findings: Findings) -> int:
    """VALID transactions beyond one per COMMITTED row."""
    valid = sum(transaction.code == VALID for transaction in findings.evidence.transactions)
    return max(0, valid - sum(row.status == "COMMITTED" for row in findings.evidence.rows))


def _recovered(findings: Findings) -> dict[str, list[float]]:
    """From each kill to the first COMMITTED of a command that was inserted after it.

    After that of a submit worker: a command of its identity. Other kills and faults come between; the median tells.
    """
    lanes = _ends_by_identity(findings)
    times: dict[str, list[float]] = defaultdict(list)
    for deed in findings.deeds:
        if isinstance(deed.what, Kill) and deed.is_done:
            ended_at = lanes.first_after(deed.at, deed.what.component)
            if ended_at is not None:
                times[deed.what.component].append((ended_at - deed.at).total_seconds())
    return dict(times)


@dataclass(frozen=True, slots=True)
class _Ends:
    """By identity ("" for all): when each command was inserted, and the first end of it and all later ones."""

    inserted: dict[str, list[datetime]]
    first: dict[str, list[datetime]]

    def first_after(self, at: datetime, component: str) -> datetime | None:
        identity = next((i for i in self.inserted if i and component.startswith(f"submit-{i}")), "")
        place = bisect_right(self.inserted[identity], at)
        return self.first[identity][place] if place < len(self.first[identity]) else None


def _ends_by_identity(findings: Findings) -> _Ends:
    committed = {c.command_id: c.changed_at for c in findings.evidence.changes if c.after == "COMMITTED"}
    lanes: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    lanes[""] = []
    for row in findings.evidence.rows:
        call = expected_call(row.command_type, row.payload)
        known = findings.acknowledged.get(row.command_id)
        if call is not None and known is not None and row.command_id in committed:
            for lane in ("", call.identity):
                lanes[lane].append((known[1], committed[row.command_id]))
    ordered = {lane: sorted(ends) for lane, ends in lanes.items()}
    return _Ends(
        inserted={lane: [inserted for inserted, _ in ends] for lane, ends in ordered.items()},
        first={lane: _earliest_from([ended for _, ended in ends]) for lane, ends in ordered.items()},
    )


def _earliest_from(times: Sequence[datetime]) -> list[datetime]:
    earliest = list(times)
    for place in range(len(earliest) - 2, -1, -1):
        earliest[place] = min(earliest[place], earliest[place + 1])
    return earliest
