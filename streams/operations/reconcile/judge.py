"""What the parties say of one command -> what does not agree. Pure.

A command that somebody is still busy with is not judged: a record of it that its group has not acknowledged is being
worked on, and what was told after the end of the window may not have reached everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.messages import OutcomeKind
from streams.operations.reconcile.facts import Fact, Told
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import Suspicion
from streams.stages.write_back import RowStatus

CLOCKS_DIFFER_BY_MS = 5000
"""The clocks of the database and of the workers."""

_FINAL = {RowStatus.COMMITTED: OutcomeKind.COMMITTED, RowStatus.FAILED: OutcomeKind.FAILED}
_MAY_BE_ON_LEDGER = frozenset({OutcomeKind.SUBMITTED, OutcomeKind.PARKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Milliseconds since 1970. The window; before `kept_since_ms` topics have lost records, before `began_ms` there was
    no line; a row that was SUBMITTED after `submitted_before_ms` is not old yet."""

    since_ms: int
    until_ms: int
    kept_since_ms: int
    began_ms: int
    submitted_before_ms: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of one command, by source."""

    row: Fact | None
    events: list[Fact]
    routed: list[Fact]
    outcomes: list[Fact]
    letters: list[Fact]

    @classmethod
    def of(cls, facts: Sequence[Fact]) -> Evidence:
        """Sorted into their sources."""
        by_source: tuple[list[Fact], ...] = ([], [], [], [], [])
        for fact in facts:
            by_source[fact.source].append(fact)
        rows, events, routed, outcomes, letters = by_source
        return cls(rows[0] if rows else None, events, routed, outcomes, letters)

    @property
    def told(self) -> set[str]:
        """The kinds of the outcomes."""
        return {outcome.word for outcome in self.outcomes}

    @property
    def finals(self) -> list[Fact]:
        """The outcomes that are an end, the newest last."""
        return [outcome for outcome in self.outcomes if outcome.word in _FINAL.values()]

    def is_under_way(self, limits: Limits) -> bool:
        """Somebody is working on it, or has a moment ago."""
        if any(not fact.is_done for facts in (self.events, self.routed, self.outcomes) for fact in facts):
            return True
        times = [fact.at_ms for fact in (*self.outcomes, *self.letters)]
        if self.row is not None:
            times.append(self.row.changed_at_ms or self.row.at_ms)
        return max(times, default=0) >= limits.until_ms

    def suspicion(self, kind: Kind, seen: str) -> Suspicion:
        """With all that is needed to look again."""
        told = [outcome.transaction_id for outcome in self.outcomes if outcome.transaction_id]
        at = max(self.routed, key=lambda routed: routed.number, default=None)  # of the newest revision
        finals = self.finals
        return Suspicion(
            kind=kind,
            command_id=(self.row or self.events[0]).command_id,
            transaction_id=(self.row.transaction_id if self.row else None) or (told[-1] if told else None),
            status=self.row.word if self.row else None,
            changed_at_ms=self.row.changed_at_ms if self.row else None,
            seen=seen,
            attempts=max([0, *(fact.number for fact in (self.row, *self.outcomes, *self.letters) if fact)]),
            topic=at.topic if at else None,
            partition=at.partition if at else None,
            offset=at.offset if at else None,
            told_at=_told(finals[-1]) if finals else None,
        )


def judge(facts: Sequence[Fact], limits: Limits) -> Iterator[Suspicion]:
    """What does not agree about this command, as far as it can be told without the ledger."""
    evidence = Evidence.of(facts)
    if evidence.row is None:
        yield from _without_row(evidence, limits)
    elif not evidence.is_under_way(limits):
        found = _status(evidence, evidence.row, limits)
        if _has_other_payload(evidence, evidence.row):
            yield evidence.suspicion(Kind.PAYLOAD_CHANGED, f"the row is {evidence.row.word}, with another payload")
            found = (one for one in found if one.kind != Kind.ROW_PUT_BACK)
        yield from found


def _without_row(evidence: Evidence, limits: Limits) -> Iterator[Suspicion]:
    is_in_window = any(limits.since_ms <= event.at_ms < limits.until_ms for event in evidence.events)
    if is_in_window and not evidence.is_under_way(limits):
        told = _list(evidence.told) or "no outcome"
        yield evidence.suspicion(Kind.EVENT_WITHOUT_ROW, f"an event, {told}, and no row")


def _status(evidence: Evidence, row: Fact, limits: Limits) -> Iterator[Suspicion]:
    newest = next((one for one in reversed(evidence.outcomes) if one.word != OutcomeKind.WAITING), None)
    is_known_of = evidence.events or evidence.routed or evidence.outcomes or evidence.letters
    if row.word in _FINAL:
        yield from _final(evidence, row, limits)
    elif not is_known_of:
        if row.at_ms >= limits.kept_since_ms:
            names = ", names a transaction" if row.transaction_id else ""
            yield evidence.suspicion(Kind.ROW_WITHOUT_EVENT, f"the row is {row.word}{names}; no event, nothing else")
    elif row.word == RowStatus.SUBMITTED and (newest is None or newest.word in _MAY_BE_ON_LEDGER):
        if (row.changed_at_ms or 0) < limits.submitted_before_ms:
            how = "parked" if newest is not None and newest.word == OutcomeKind.PARKED else "without an end"
            yield evidence.suspicion(Kind.SUBMITTED_LONG_AGO, f"the row is SUBMITTED, the command {how}")
    elif newest is not None:
        yield _not_shown(evidence, row, newest)
    elif not evidence.letters and row.at_ms >= limits.kept_since_ms:
        where = "routed" if evidence.routed else "captured"
        yield evidence.suspicion(Kind.EVENT_WITHOUT_OUTCOME, f"{where} and acknowledged, no end of it, no dead letter")


def _final(evidence: Evidence, row: Fact, limits: Limits) -> Iterator[Suspicion]:
    """A row whose status nothing may change any more."""
    told, own = evidence.told, _FINAL[RowStatus(row.word)]
    if own not in told and not evidence.finals:
        if row.at_ms >= max(limits.kept_since_ms, limits.began_ms):
            seen = f"the row is {row.word}, outcomes: {_list(told) or 'none'}"
            yield evidence.suspicion(Kind.FINAL_ROW_WITHOUT_OUTCOME, seen)
    elif own not in told or (own is OutcomeKind.FAILED and OutcomeKind.COMMITTED in told):
        seen = f"the row is {row.word}, outcomes: {_list(told)}"
        yield evidence.suspicion(Kind.OUTCOME_DISAGREES_WITH_ROW, seen)


def _not_shown(evidence: Evidence, row: Fact, outcome: Fact) -> Suspicion:
    """The sink has acknowledged an outcome which the row does not show: never written, or undone by somebody.

    The sink dates the row when it writes it. So does whoever undoes it, or he leaves the sink's date.
    """
    was_written = (row.changed_at_ms or 0) >= outcome.at_ms - CLOCKS_DIFFER_BY_MS
    if row.word == RowStatus.SUBMITTED or not was_written:
        seen = f"the row is {row.word}, outcomes: {_list(evidence.told)}"
        return evidence.suspicion(Kind.OUTCOME_DISAGREES_WITH_ROW, seen)
    return evidence.suspicion(Kind.ROW_PUT_BACK, f"the row is {row.word} again, outcomes: {_list(evidence.told)}")


def _has_other_payload(evidence: Evidence, row: Fact) -> bool:
    is_edited = any(routed.number > 0 for routed in evidence.routed)  # with the tool for it, as a new revision
    return not is_edited and any(event.payload_sha256 != row.payload_sha256 for event in evidence.events)


def _list(words: set[str]) -> str:
    return ", ".join(sorted(words))


def _told(outcome: Fact) -> str:
    return str(Told(outcome.word, outcome.partition or 0, outcome.offset or 0))
