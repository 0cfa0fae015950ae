"""The simulation finds what it should: each rule that is broken on purpose is caught by one of the first seeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
import simulated_worker
from simulation import simulate

from streams.breaker import Breaker
from streams.errors import CommitUnknown, LedgerError, SubmitFailed
from streams.lanes import InOrder, Lanes, Token
from streams.ledger import LedgerEntry
from streams.messages import DeadLetter, Outcome
from streams.retry import Meaning, Verdict, verdict
from streams.stages import submit as stage
from streams.stages.submission.look_up import LookUp
from streams.workers.book import Book
from streams.workers.carrier import Carrier, Taken
from streams.workers.pauses import Pauses
from streams.workers.slot import Slot

SEEDS = 600
Plant = Callable[[pytest.MonkeyPatch], None]


def silence_advances_the_attempt(patch: pytest.MonkeyPatch) -> None:
    def broken(error: LedgerError, **rest: object) -> Verdict:
        is_silence = isinstance(error, CommitUnknown) or (isinstance(error, SubmitFailed) and error.may_be_on_ledger)
        return Verdict.NEW_TRANSACTION if is_silence else verdict(error, **rest)  # type: ignore[arg-type]

    patch.setattr(stage, "verdict", broken)


def silence_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    def broken(error: LedgerError, **rest: object) -> Verdict:
        return Verdict.GIVE_UP if isinstance(error, CommitUnknown) else verdict(error, **rest)  # type: ignore[arg-type]

    patch.setattr(stage, "verdict", broken)


def a_conflict_keeps_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def broken(error: LedgerError, **rest: object) -> Verdict:
        said = verdict(error, **rest)  # type: ignore[arg-type]
        return Verdict.SAME_TRANSACTION if said is Verdict.NEW_TRANSACTION else said

    patch.setattr(stage, "verdict", broken)


def a_refusal_counts_although_another_process_may_have_submitted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stage, "CLOCKS_DIFFER_BY", -timedelta(days=1))


def nobody_waits_until_it_has_settled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulated_worker, "SETTLE_S", 0.0)


def what_is_held_back_is_failed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simulated_worker, "MEANING", lambda _: Meaning.REFUSE)


def a_duplicate_is_taken_for_a_commit(patch: pytest.MonkeyPatch) -> None:
    async def broken(self: LookUp, transaction_id: str) -> LedgerEntry:
        arguments = (self.command.transaction_name, *self.command.arguments)
        return LedgerEntry(transaction_id=transaction_id, code="VALID", block_number=0, arguments=arguments, result=b"")

    patch.setattr(LookUp, "held", broken)


def acknowledgements_are_out_of_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(InOrder, "finish", lambda _, token: token.acknowledge())


def acknowledged_before_it_is_published(patch: pytest.MonkeyPatch) -> None:
    carry = Carrier._carry

    async def broken(self: Carrier, taken: Taken) -> None:
        self.intake.finish(taken.token)
        await carry(self, taken)

    patch.setattr(Carrier, "_carry", broken)
    patch.setattr(InOrder, "finish", _once(InOrder.finish))


def _once(finish: Callable[[InOrder, Token], None]) -> Callable[[InOrder, Token], None]:
    return lambda self, token: None if token.is_finished else finish(self, token)


def no_command_waits_for_another(patch: pytest.MonkeyPatch) -> None:
    put, numbers = Lanes.put, count()
    patch.setattr(Lanes, "put", lambda self, keys, item: put(self, [str(next(numbers))], item))


def further_keys_are_ignored(patch: pytest.MonkeyPatch) -> None:
    put = Lanes.put
    patch.setattr(Lanes, "put", lambda self, keys, item: put(self, keys[:1], item))


def the_dead_letters_are_not_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "outcome", lambda self, command: None)


def dead_letters_are_not_published(patch: pytest.MonkeyPatch) -> None:
    async def broken(self: Carrier, letter: DeadLetter) -> None: ...

    patch.setattr(Carrier, "_bury", broken)


def a_parked_command_is_overtaken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "ahead_of", lambda self, command: None)


def outcomes_are_published_at_random_only(patch: pytest.MonkeyPatch) -> None:
    publish, numbers = simulated_worker.Life.outcome, count()

    async def broken(self: simulated_worker.Life, outcome: Outcome) -> None:
        if next(numbers) % 10:
            await publish(self, outcome)

    patch.setattr(simulated_worker.Life, "outcome", broken)


def a_pause_is_told_and_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pauses, "holding", lambda self, command, replay_id: None)


def a_rest_keeps_no_place(patch: pytest.MonkeyPatch) -> None:
    """Whoever rests never comes back in: he leaves the window once more than he enters it."""
    patch.setattr(Slot, "_leave", lambda self: None)


def a_silent_probe_keeps_its_place(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Breaker, "probe_left", lambda self: None)


def the_window_forgets_the_next_probe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Breaker, "retry_in_s", None)


PLANTED: list[Plant] = [
    silence_advances_the_attempt,
    silence_is_a_failure,
    a_conflict_keeps_the_transaction,
    a_refusal_counts_although_another_process_may_have_submitted,
    nobody_waits_until_it_has_settled,
    what_is_held_back_is_failed,
    a_duplicate_is_taken_for_a_commit,
    acknowledgements_are_out_of_order,
    acknowledged_before_it_is_published,
    no_command_waits_for_another,
    further_keys_are_ignored,
    the_dead_letters_are_not_read,
    dead_letters_are_not_published,
    a_parked_command_is_overtaken,
    outcomes_are_published_at_random_only,
    a_pause_is_told_and_not_kept,
    a_rest_keeps_no_place,
    a_silent_probe_keeps_its_place,
    the_window_forgets_the_next_probe,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_broken_rule_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    caught = next((story for story in map(simulate, range(SEEDS)) if story.violations), None)
    assert caught is not None, f"none of {SEEDS} seeds noticed"


def test_a_ledger_that_takes_an_id_twice_is_found() -> None:
    unsound = partial(simulate, ledger_knows_ids=False)
    violations = [violation for seed in range(SEEDS) for violation in unsound(seed).violations]
    assert any(violation.startswith("at most one transaction is VALID") for violation in violations)
