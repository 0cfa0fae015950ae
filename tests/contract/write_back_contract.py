"""Write-back in steps that hypothesis picks: outcomes late, twice, out of order, in any batches; beside it a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from outbox_contract import Outbox, inserted, shown

from streams.messages import Outcome, OutcomeKind
from streams.stages.write_back import write_back

AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
OPEN, FINAL = ("PENDING", "LOCKED"), ("COMMITTED", "FAILED")
MOST_COMMANDS = 3
RANK = {"PENDING": 0, "LOCKED": 0, "SUBMITTED": 1, "COMMITTED": 2, "FAILED": 2}


def outcome(error: str | None, is_submitted: bool, **told: Any) -> Outcome:
    return Outcome(
        command_id="",
        command_type="MINT",
        error_code=error and "CODE",
        error=error,
        stages={"submitted": AT} if is_submitted else {},
        worker="w",
        happened_at=AT,
        **told,
    )


NEWS = st.builds(
    outcome,
    kind=st.sampled_from(OutcomeKind),
    attempts=st.integers(0, 3),
    transaction_id=st.sampled_from([None, "t-0", "t-1"]),
    block_number=st.sampled_from([None, 0, 7]),
    error=st.sampled_from([None, "system is paused", "parked"]),
    is_submitted=st.booleans(),
    redriven_by=st.sampled_from([None, None, "replay"]),
)


@dataclass(frozen=True)
class Model:
    """What a row must show, told one outcome after the other."""

    status: str
    attempts: int = 0
    transaction_id: str | None = None
    block_number: int | None = None
    submitted_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None

    def told(self, outcome: Outcome) -> Model:
        is_tried_again = self.status == "FAILED" and outcome.redriven_by and outcome.kind is not OutcomeKind.WAITING
        if self.status in FINAL and not is_tried_again:
            return self
        why = replace(self, error_code=outcome.error_code, error=outcome.error)
        match outcome.kind:
            case OutcomeKind.WAITING:
                return why if self.status in OPEN else self
            case OutcomeKind.SUBMITTED | OutcomeKind.PARKED:
                status = "SUBMITTED"
            case OutcomeKind.FAILED | OutcomeKind.COMMITTED:
                status = outcome.kind.name
        return replace(
            why,
            status=status,
            attempts=max(self.attempts, outcome.attempts),
            transaction_id=outcome.transaction_id or self.transaction_id,
            block_number=self.block_number if outcome.block_number is None else outcome.block_number,
            submitted_at=outcome.stages.get("submitted", self.submitted_at),
        )

    @property
    def columns(self) -> tuple[object, ...]:
        return (
            self.status,
            self.attempts,
            self.transaction_id,
            self.block_number,
            self.submitted_at,
            self.error_code,
            self.error,
        )


class WriteBack(RuleBasedStateMachine):
    """Outcomes are published in any number; a batch takes some of them, new or known, in any order."""

    outbox: Outbox

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, Model] = {}
        self.published: list[Outcome] = []

    @precondition(lambda self: len(self.models) < MOST_COMMANDS)
    @rule(is_locked=st.booleans())
    def a_command_is_inserted(self, is_locked: bool) -> None:
        command_id = inserted(self.outbox)
        if is_locked:
            self.outbox.lock(command_id)
        self.models[command_id] = Model(status="LOCKED" if is_locked else "PENDING")

    @precondition(lambda self: self.models)
    @rule(data=st.data(), news=st.lists(NEWS, min_size=1, max_size=4))
    def outcomes_are_published(self, data: st.DataObject, news: list[Outcome]) -> None:
        command_id = data.draw(st.sampled_from(list(self.models)))
        self.published += [replace(outcome, command_id=command_id) for outcome in news]

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def a_batch_is_written(self, data: st.DataObject) -> None:
        self._write(data.draw(st.lists(st.sampled_from(self.published), min_size=1, max_size=6)))

    @precondition(lambda self: self.published)
    @rule()
    def everything_is_written_again(self) -> None:
        self._write(self.published)

    def _write(self, batch: list[Outcome]) -> None:
        before = dict(self.models)
        for outcome in batch:
            self.models[outcome.command_id] = self.models[outcome.command_id].told(outcome)
        changed = self.outbox.apply(write_back(batch))
        rows = self.outbox.rows(list(self.models))
        shown_anew = {i for i in before if before[i] != self.models[i]}
        tried_again = {outcome.command_id for outcome in batch if outcome.redriven_by}
        assert shown_anew <= changed <= shown_anew | tried_again  # what a redrive changes may be changed back
        for command_id, model in self.models.items():
            assert shown(rows[command_id]) == model.columns
            if not any(outcome.redriven_by for outcome in batch if outcome.command_id == command_id):
                assert RANK[before[command_id].status] <= RANK[model.status]
                assert before[command_id].status not in FINAL or model == before[command_id]
            assert before[command_id].status != "COMMITTED" or model == before[command_id]


class WriteBackContract:
    """Subclasses give the fixture `outbox`."""

    def test_outcomes_in_any_batches_show_what_each_alone_would_have_shown(self, outbox: Outbox) -> None:
        machine = type("Here", (WriteBack,), {"outbox": outbox})
        run_state_machine_as_test(machine, settings=settings(max_examples=150, stateful_step_count=15))
