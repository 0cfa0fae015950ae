"""The state in memory behaves as a peer's, and a call as the chaincode needs it."""

from __future__ import annotations

from datetime import UTC, datetime

from chaincode_ledger import ADMIN

from streams.chaincode.call import Call
from streams.chaincode.memory import MemoryState
from streams.chaincode.state import State


def a_state(entries: dict[str, bytes]) -> MemoryState:
    return MemoryState(entries, transaction_id="ab" * 32, timestamp=datetime(2025, 12, 1, tzinfo=UTC), creator=ADMIN)


def test_a_transaction_does_not_see_its_own_writes_until_they_are_applied() -> None:
    entries = {"a": b"1", "b": b"2"}
    state = a_state(entries)
    state.put("a", b"9")
    state.put("c", b"3")
    state.delete("b")
    assert (state.get("a"), state.get("b"), state.get("c")) == (b"1", b"2", None)
    assert list(state.range("a", "z")) == [("a", b"1"), ("b", b"2")]
    state.apply()
    assert entries == {"a": b"9", "c": b"3"}


def test_a_range_excludes_its_end_and_is_recorded() -> None:
    state = a_state({"b": b"", "c": b"", "a": b""})
    assert [key for key, _ in state.range("a", "c")] == ["a", "b"]
    assert state.scans == {("a", "c")}


def test_the_last_event_counts() -> None:
    state = a_state({})
    state.set_event("First", b"")
    state.set_event("Second", b"{}")
    assert state.event == ("Second", b"{}")


def test_a_call_reads_through_its_own_writes() -> None:
    call = Call(a_state({"k~1": b"1", "k~2": b"2", "k~é": b"4", "l": b"3"}))
    call.write("k~3", b"3")
    call.remove("k~1")
    assert (call.read("k~1"), call.read("k~3")) == (None, b"3")
    assert list(call.scan("k~")) == [("k~2", b"2"), ("k~3", b"3"), ("k~é", b"4")]


def test_a_call_touches_the_state_only_when_applied() -> None:
    state: MemoryState = a_state({"a": b"1"})
    port: State = state
    call = Call(port)
    call.write("b", b"2")
    call.remove("a")
    call.announce("Done", z=1, a="ü")
    assert (state.writes, state.event) == ({}, None)
    call.apply()
    assert state.writes == {"b": b"2", "a": None}
    assert state.event == ("Done", '{"a":"ü","z":1}'.encode())


def test_a_call_asks_the_state_for_a_key_once() -> None:
    entries = {"a": b"1"}
    call = Call(a_state(entries))
    assert call.read("a") == b"1"
    entries["a"] = b"2"
    assert call.read("a") == b"1"
