"""What the parties say of one command, and what does not agree about it."""

from __future__ import annotations

import pytest

from streams.ledger import VALID, LedgerEntry
from streams.messages import OutcomeKind
from streams.operations.reconcile.facts import Fact, Source, Told
from streams.operations.reconcile.judge import Limits, judge
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import Suspicion, open_notebook
from streams.operations.reconcile.possible_ids import PossibleIds
from streams.operations.reconcile.remedies import finding, told
from streams.operations.truth import Committed, NotKnown, NotThere, Open, Refused, Truth

CREATED, HAPPENED, WRITTEN, UNTIL = 1_000_000, 1_010_000, 1_020_000, 2_000_000
LIMITS = Limits(since_ms=0, until_ms=UNTIL, kept_since_ms=0, began_ms=0, submitted_before_ms=UNTIL)


def row(status: str, *, changed_at_ms: int = WRITTEN, payload: str = "p", **given: int) -> Fact:
    return Fact("c", Source.ROW, status, CREATED, changed_at_ms, "t", payload_sha256=payload, **given)


def event(**given: bool) -> Fact:
    return Fact("c", Source.EVENT, "TYPE", CREATED, payload_sha256="p", topic="cdc", partition=0, offset=0, **given)


def routed(*, revision: int = 0, offset: int = 0, **given: bool) -> Fact:
    at = {"topic": "commands.x", "partition": 0, "offset": offset}
    return Fact("c", Source.ROUTED, "x", CREATED, number=revision, **at, **given)


def outcome(kind: OutcomeKind, at_ms: int = HAPPENED, **given: bool) -> Fact:
    return Fact("c", Source.OUTCOME, kind, at_ms, partition=3, offset=17, **given)


HELD = LedgerEntry(transaction_id="t", code=VALID, block_number=7, arguments=(), result=b"")
LETTER = Fact("c", Source.LETTER, "bug", HAPPENED)
COMMITTED, FAILED = outcome(OutcomeKind.COMMITTED), outcome(OutcomeKind.FAILED)
WAITING, SUBMITTED, PARKED = (
    outcome(kind) for kind in (OutcomeKind.WAITING, OutcomeKind.SUBMITTED, OutcomeKind.PARKED)
)


def kinds(*facts: Fact, **limits: int) -> list[str]:
    return [one.kind for one in judge(facts, Limits(**{**_as_dict(LIMITS), **limits}))]


def _as_dict(limits: Limits) -> dict[str, int]:
    return {name: getattr(limits, name) for name in Limits.__slots__}


@pytest.mark.parametrize(
    "facts",
    [
        (row("COMMITTED"), event(), routed(), SUBMITTED, COMMITTED),
        (row("FAILED"), event(), FAILED, LETTER),
        (row("PENDING"), event(is_done=False)),
        (row("PENDING"), event(), routed(is_done=False)),
        (row("SUBMITTED"), event(), routed(is_done=False), SUBMITTED),
        (row("PENDING"), event(), routed(), outcome(OutcomeKind.COMMITTED, is_done=False)),
        (row("PENDING"), event(), routed(), outcome(OutcomeKind.COMMITTED, at_ms=UNTIL)),
        (row("PENDING", changed_at_ms=UNTIL),),
        (row("PENDING"), event(), LETTER),
        (row("COMMITTED"), event(), routed(), FAILED, COMMITTED),
        (row("COMMITTED", payload="q"), event(), routed(), routed(revision=1), COMMITTED),
        (COMMITTED,),
    ],
)
def test_what_agrees_and_what_is_under_way_is_not_suspected(facts: tuple[Fact, ...]) -> None:
    assert kinds(*facts) == []


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ((row("PENDING"),), Kind.ROW_WITHOUT_EVENT),
        ((row("SUBMITTED"),), Kind.ROW_WITHOUT_EVENT),
        ((row("COMMITTED"),), Kind.FINAL_ROW_WITHOUT_OUTCOME),
        ((event(),), Kind.EVENT_WITHOUT_ROW),
        ((row("PENDING"), event()), Kind.EVENT_WITHOUT_OUTCOME),
        ((row("PENDING"), event(), routed(), WAITING), Kind.EVENT_WITHOUT_OUTCOME),
        ((row("COMMITTED"), event(), routed(), SUBMITTED), Kind.FINAL_ROW_WITHOUT_OUTCOME),
        ((row("COMMITTED"), event(), routed(), FAILED), Kind.OUTCOME_DISAGREES_WITH_ROW),
        ((row("FAILED"), event(), routed(), FAILED, COMMITTED), Kind.OUTCOME_DISAGREES_WITH_ROW),
        ((row("SUBMITTED"), event(), routed(), COMMITTED), Kind.OUTCOME_DISAGREES_WITH_ROW),
        ((row("PENDING", changed_at_ms=CREATED), event(), routed(), COMMITTED), Kind.OUTCOME_DISAGREES_WITH_ROW),
        ((row("PENDING"), event(), routed(), COMMITTED), Kind.ROW_PUT_BACK),
        ((row("LOCKED"), event(), routed(), SUBMITTED, FAILED), Kind.ROW_PUT_BACK),
        ((row("PENDING"), event(), routed(), PARKED), Kind.ROW_PUT_BACK),
        ((row("SUBMITTED"), event(), routed(), SUBMITTED, PARKED), Kind.SUBMITTED_LONG_AGO),
        ((row("SUBMITTED"), event(), routed(), FAILED, PARKED), Kind.SUBMITTED_LONG_AGO),
        ((row("PENDING", payload="q"), event(), routed(), FAILED), Kind.PAYLOAD_CHANGED),
        ((row("COMMITTED", payload="q"), event(), routed(), COMMITTED), Kind.PAYLOAD_CHANGED),
    ],
)
def test_what_does_not_agree_has_a_kind(facts: tuple[Fact, ...], kind: Kind) -> None:
    assert kinds(*facts) == [kind]


def test_what_the_topics_have_lost_is_not_missed() -> None:
    for facts in ((row("PENDING"),), (row("PENDING"), event()), (row("COMMITTED"),)):
        assert kinds(*facts, kept_since_ms=CREATED + 1) == []


def test_rows_from_before_the_line_need_no_outcome() -> None:
    assert kinds(row("COMMITTED"), began_ms=CREATED + 1) == []


def test_a_row_that_was_submitted_a_moment_ago_is_not_old() -> None:
    assert kinds(row("SUBMITTED"), event(), routed(), SUBMITTED, submitted_before_ms=WRITTEN) == []


def test_a_suspicion_knows_the_newest_revision_and_the_end_that_was_told() -> None:
    facts = (row("PENDING", number=2), event(), routed(revision=1, offset=9), routed(), FAILED)
    (found,) = judge(facts, LIMITS)
    assert found.routed_at is not None
    assert (found.routed_at.offset, found.attempts, found.told_at) == (9, 2, str(Told("failed", 3, 17)))


def test_every_attempt_of_every_revision_under_every_certificate_is_recognised() -> None:
    ours = {"x": (b"now", b"before"), "y": (b"other",)}
    possible = PossibleIds(secret=b"s" * 32, channel="channel", chaincode="chaincode", creators=ours)
    facts = [row("FAILED", number=2), routed(), routed(revision=1)]
    assert len(set(possible.of_command(facts))) == 2 * 3 * 2
    assert len(set(possible.of_command([row("PENDING")]))) == 1 * 1 * 3
    assert (possible.signed_by_us(b"before"), possible.signed_by_us(b"somebody")) == ("x", None)


@pytest.mark.parametrize(
    ("status", "transaction_id", "truth", "remedy"),
    [
        ("PENDING", None, None, Remedy.EMIT),
        ("LOCKED", None, None, Remedy.EMIT),
        ("LOCKED", "t", Committed(HELD), Remedy.WRITE),
        ("SUBMITTED", "t", Committed(HELD), Remedy.WRITE),
        ("SUBMITTED", "t", NotThere(), Remedy.PERSON),
        ("SUBMITTED", "t", Refused("MVCC_READ_CONFLICT"), Remedy.PERSON),
        ("PENDING", "t", NotKnown("the gateway is away"), Remedy.PERSON),
        ("SUBMITTED", None, None, Remedy.PERSON),
    ],
)
def test_a_row_that_nobody_captured_is_sent_by_us_only_if_nobody_else_may_have_sent_it(
    status: str, transaction_id: str | None, truth: Truth | None, remedy: Remedy
) -> None:
    found = finding(Suspicion(Kind.ROW_WITHOUT_EVENT, "c", transaction_id, status, 0, "seen", 1), None, truth)
    assert found.remedy == remedy
    assert bool(found.command) == (remedy is Remedy.EMIT)
    assert (found.block_number is not None) == (remedy is Remedy.WRITE)


def test_a_refusal_that_nothing_cures_is_written_into_a_row_that_waits_for_its_end() -> None:
    waits = Suspicion(Kind.SUBMITTED_LONG_AGO, "c", None, "SUBMITTED", 0, "seen", 1)
    assert finding(waits, None, Refused("ENDORSEMENT_POLICY_FAILURE")).remedy == "write"
    assert finding(waits, None, Open(3)).remedy == "replay"
    unknown = finding(waits, None, NotKnown("the gateway is away"))
    assert (unknown.remedy, unknown.truth) == ("person", told(NotKnown("the gateway is away")))


def test_a_row_that_was_put_back_never_gets_a_failure_from_us() -> None:
    put_back = Suspicion(Kind.ROW_PUT_BACK, "c", None, "PENDING", 0, "seen", 1, told_at="failed:0:0")
    assert finding(put_back, None, Refused("BAD_PAYLOAD")).command == "streams dead-letters edit c --reason reconciled"
    assert finding(put_back, None, Open(1)).command == "streams replay --include-failed --command-id c --execute"


def test_the_notebook_gives_back_what_was_written_sorted_by_command() -> None:
    with open_notebook() as notebook:
        notebook.write_facts([COMMITTED, row("COMMITTED"), event()._replace(command_id="a"), routed()])
        assert [[Source(fact.source) for fact in facts] for facts in notebook.by_command()] == [
            [Source.EVENT],
            [Source.ROW, Source.ROUTED, Source.OUTCOME],
        ]
