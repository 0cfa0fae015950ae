from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.simulator.config import ORGANISATIONS
from streams.simulator.fault_book import Call, FaultBook
from streams.simulator.faults import (
    KINDS,
    Late,
    LoseTransaction,
    Organisation,
    PeerDown,
    RefuseEndorsement,
    Rpc,
    read_fault,
)


class Clock:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def book(*faults: object, clock: Clock | None = None) -> FaultBook:
    made = FaultBook(clock or Clock())
    for fault in faults:
        made.add(read_fault(fault))
    return made


def struck(made: FaultBook, identity: str = "somebody", function: str = "A:B") -> bool:
    made.begin(Call(rpc=Rpc.SUBMIT, identity=identity, function=function))
    return made.strike(LoseTransaction) is not None


def test_a_fault_without_limits_strikes_every_call() -> None:
    made = book({"kind": "lose-transaction"})
    assert all(struck(made) for _ in range(3))


def test_nothing_strikes_outside_of_a_call() -> None:
    made = book({"kind": "lose-transaction"})
    made.begin(None)
    assert made.strike(LoseTransaction) is None


def test_a_call_of_nobody_known_is_not_struck_by_a_fault_for_somebody() -> None:
    made = book({"kind": "lose-transaction", "identity": "somebody"})
    assert not struck(made, identity="")


@pytest.mark.parametrize(
    ("pattern", "function", "strikes"),
    [("A:B", "A:B", True), ("A:*", "A:B", True), ("*:Mint", "A:Mint", True), ("a:b", "A:B", False), ("A", "", False)],
)
def test_a_function_is_matched_as_a_pattern(pattern: str, function: str, strikes: bool) -> None:
    assert struck(book({"kind": "lose-transaction", "function": pattern}), function=function) is strikes


def test_a_fault_decides_once_per_call() -> None:
    made = book({"kind": "lose-transaction", "count": 1})
    made.begin(Call(rpc=Rpc.SUBMIT, identity="", function=""))
    assert [made.strike(LoseTransaction) is not None for _ in range(2)] == [True, True]
    assert not struck(made)


def test_a_call_that_another_condition_excludes_is_not_counted() -> None:
    made = book({"kind": "late", "call": "endorse", "count": 1})
    made.begin(Call(rpc=Rpc.SUBMIT, identity="", function=""))
    assert made.strike(Late, lambda fault: fault.call == Rpc.SUBMIT) is None
    assert not made.listed()[0].is_spent


def test_of_two_faults_the_second_strikes_when_the_first_is_spent() -> None:
    made = book(
        {"kind": "refuse-endorsement", "count": 1, "message": "first"},
        {"kind": "refuse-endorsement", "message": "second"},
    )
    words = []
    for _ in range(3):
        made.begin(Call(rpc=Rpc.ENDORSE, identity="", function=""))
        fault = made.strike(RefuseEndorsement)
        words.append(fault and fault.message)
    assert words == ["first", "second", "second"]


@given(probability=st.floats(0, 1, exclude_min=True), seed=st.integers(), calls=st.integers(1, 50))
def test_the_same_seed_strikes_the_same_calls(probability: float, seed: int, calls: int) -> None:
    fault = {"kind": "lose-transaction", "probability": probability, "seed": seed}
    first, second = ([struck(made) for _ in range(calls)] for made in (book(fault), book(fault)))
    assert first == second


@given(count=st.integers(1, 20), probability=st.floats(0.1, 1), seed=st.integers())
def test_a_fault_never_strikes_more_often_than_its_count(count: int, probability: float, seed: int) -> None:
    made = book({"kind": "lose-transaction", "count": count, "probability": probability, "seed": seed})
    assert sum(struck(made) for _ in range(500)) <= count


def test_age_and_absence_are_counted_by_the_clock_that_was_given() -> None:
    clock = Clock()
    made = book({"kind": "peer-down"}, clock=clock)
    (active,) = made.listed()
    clock.now_s += 3
    assert made.age_s(active) == 3
    assert made.remove(active.number)
    clock.now_s += 0.3
    assert made.removed_within(PeerDown, 0.4)
    clock.now_s += 0.2
    assert not made.removed_within(PeerDown, 0.4)


def test_those_who_listen_hear_of_every_change() -> None:
    made, heard = book(), []
    made.on_change.append(lambda: heard.append(len(made.listed())))
    number = made.add(LoseTransaction()).number
    made.add(LoseTransaction())
    assert made.remove(number)
    assert not made.remove(number)
    made.clear()
    assert heard == [1, 2, 1, 0]


def test_every_kind_is_read_by_its_own_name_and_says_what_it_does() -> None:
    required: dict[str, dict[str, object]] = {"clock-skew": {"skew_s": "-3.5"}}
    for kind in KINDS:
        assert type(read_fault({"kind": kind.kind} | required.get(kind.kind, {}))) is kind
        assert kind.__doc__
    assert [kind.kind for kind in KINDS][:3] == ["refuse-endorsement", "different-endorsements", "late"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "nope"},
        {"kind": "late", "delay_s": -1},
        {"kind": "late", "call": "deliver"},
        {"kind": "late", "delay": 1},
        {"kind": "lose-transaction", "count": 0},
        {"kind": "lose-transaction", "probability": 1.1},
        {"kind": "lose-transaction", "probability": 0},
        {"kind": "refuse-endorsement", "organisation": "Org9MSP"},
        {"kind": "clock-skew"},
        {},
        "late",
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: object) -> None:
    with pytest.raises(ValueError, match=r"kind|organisation|delay_s|call|delay|count|probability|skew_s"):
        read_fault(fields)


def test_the_organisations_of_a_fault_are_those_of_the_network() -> None:
    assert get_args(Organisation) == ORGANISATIONS
