"""A chaincode sees the same state in memory, in the simulator and at a peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
from chaincode_ledger import ADMIN
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2

from streams.chaincode.memory import MemoryState
from streams.chaincode.shim.invocation import Invocation
from streams.chaincode.shim.peer_state import PeerState
from streams.chaincode.state import State
from streams.simulator.simulation import Simulation
from streams.simulator.state import Version, WorldState

AT = datetime(2025, 12, 1, tzinfo=UTC)
Message = chaincode_shim_pb2.ChaincodeMessage
Made = Callable[[Mapping[str, bytes]], State]


def in_memory(entries: Mapping[str, bytes]) -> State:
    return MemoryState(dict(entries), transaction_id="t", timestamp=AT, creator=ADMIN)


def in_the_simulator(entries: Mapping[str, bytes]) -> State:
    world = WorldState()
    for position, (key, value) in enumerate(entries.items()):
        world.put(key, value, Version(1, position))
    proposal = SimpleNamespace(transaction_id="t", timestamp=AT, transient={}, chaincode="c")
    return Simulation(world, cast(Any, proposal), cast(Any, ADMIN))


def at_a_peer(entries: Mapping[str, bytes]) -> State:
    scans: dict[str, list[str]] = {}
    names = count()

    def page(scan: str) -> bytes:
        key, *scans[scan] = scans[scan] or [""]
        found = [kv_query_result_pb2.KV(key=key, value=entries[key]).SerializeToString()] if key else []
        results = [chaincode_shim_pb2.QueryResultBytes(resultBytes=one) for one in found]
        answer = chaincode_shim_pb2.QueryResponse(results=results, has_more=bool(scans[scan]), id=scan)
        return bytes(answer.SerializeToString())

    def ask(kind: int, payload: bytes) -> bytes:
        match kind:
            case Message.GET_STATE:
                return entries.get(chaincode_shim_pb2.GetState.FromString(payload).key, b"")
            case Message.GET_STATE_BY_RANGE:
                asked = chaincode_shim_pb2.GetStateByRange.FromString(payload)
                scan = str(next(names))
                keys = sorted(entries, key=str.encode)
                scans[scan] = [
                    key for key in keys if asked.startKey <= key and (key < asked.endKey or not asked.endKey)
                ]
                return page(scan)
            case Message.QUERY_STATE_NEXT:
                return page(chaincode_shim_pb2.QueryStateNext.FromString(payload).id)
            case _:
                return b""

    invocation = Invocation(transaction_id="t", function="f", arguments=(), timestamp=AT, creator=ADMIN, transient={})
    return PeerState(invocation, ask)


EVERYWHERE = pytest.mark.parametrize("made", [in_memory, in_the_simulator, at_a_peer])


@EVERYWHERE
def test_a_transaction_tells_whose_it_is(made: Made) -> None:
    state = made({})
    assert (state.transaction_id, state.timestamp, state.transient) == ("t", AT, {})
    assert (state.creator.name, state.creator.attributes) == (ADMIN.name, ADMIN.attributes)


@EVERYWHERE
def test_reads_answer_from_the_committed_state_and_never_from_own_writes(made: Made) -> None:
    state = made({"a": b"1", "b": b"2"})
    state.put("a", b"9")
    state.delete("b")
    state.put("c", b"3")
    state.delete("d")
    assert [state.get(key) for key in "abcd"] == [b"1", b"2", None, None]
    assert list(state.range("a", "z")) == [("a", b"1"), ("b", b"2")]


@EVERYWHERE
def test_an_empty_key_or_value_cannot_be_written(made: Made) -> None:
    state = made({"a": b"1"})
    with pytest.raises(ValueError, match="a key must not be empty"):
        state.put("", b"1")
    with pytest.raises(ValueError, match="a key must not be empty"):
        state.delete("")
    with pytest.raises(ValueError, match="a value must not be empty"):
        state.put("a", b"")


@EVERYWHERE
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [("a", "c", "ab"), ("b", "b", ""), ("", "b", "a"), ("c", "", "cz\u00e9\uffff\U0001f34d"), ("x", "y", "")],
)
def test_a_range_has_a_first_key_and_perhaps_an_end(made: Made, start: str, end: str, expected: str) -> None:
    state = made(dict.fromkeys("🍍\uffffzécab", b"v"))
    assert "".join(key for key, _ in state.range(start, end)) == expected


@EVERYWHERE
def test_a_range_may_be_left_early(made: Made) -> None:
    state = made(dict.fromkeys("abc", b"v"))
    assert next(iter(state.range("a", "z"))) == ("a", b"v")
    assert len(list(state.range("a", "z"))) == 3
