from __future__ import annotations

from pathlib import Path

import pytest
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from simulator_network import Network

from streams.simulator.proposals import read_proposal
from streams.simulator.simulation import Simulation
from streams.simulator.state import Version, WorldState


def world(**entries: str) -> WorldState:
    state = WorldState()
    for position, (key, text) in enumerate(entries.items()):
        state.put(key, text.encode(), Version(1, position))
    return state


def simulation(tmp_path: Path, state: WorldState) -> Simulation:
    network = Network(tmp_path)
    proposal = read_proposal(network.member.propose("write", "k", "v").message)
    return Simulation(state, proposal, network.membership.identify(proposal.creator))


def recorded(simulation: Simulation) -> kv_rwset_pb2.KVRWSet:
    results = rwset_pb2.TxReadWriteSet.FromString(simulation.results())
    assert [namespace.namespace for namespace in results.ns_rwset] == ["gxtv3"]
    return kv_rwset_pb2.KVRWSet.FromString(results.ns_rwset[0].rwset)


def keys(state: WorldState, start: str, end: str) -> list[str]:
    return [key for key, _ in state.range(start, end)]


def test_a_range_includes_its_start_and_excludes_its_end_in_key_order() -> None:
    state = world(c="3", a="1", d="4", b="2")
    assert keys(state, "a", "d") == ["a", "b", "c"]
    assert keys(state, "b", "") == ["b", "c", "d"]


def test_keys_are_ordered_as_their_utf8_bytes() -> None:
    state = WorldState()
    for key in ("z", "\U0001f600", "\uffee", "é"):
        state.put(key, b"", Version(1, 0))
    assert keys(state, "", "") == sorted(("z", "\U0001f600", "\uffee", "é"), key=str.encode)


def test_a_range_follows_writes_and_deletes_between_reads() -> None:
    state = world(a="1", b="2")
    assert keys(state, "", "") == ["a", "b"]
    state.delete("a")
    state.put("c", b"3", Version(2, 0))
    assert keys(state, "", "") == ["b", "c"]
    state.put("a", b"1", Version(3, 0))
    assert keys(state, "", "") == ["a", "b", "c"]


def test_a_call_does_not_see_its_own_writes(tmp_path: Path) -> None:
    call = simulation(tmp_path, world(a="old"))
    call.put("a", b"new")
    call.delete("a")
    call.put("b", b"new")
    assert call.get("a") == b"old"
    assert call.get("b") is None
    assert [key for key, _ in call.range("", "")] == ["a"]


def test_reads_are_recorded_with_the_version_they_saw_first(tmp_path: Path) -> None:
    state = world(a="old")
    call = simulation(tmp_path, state)
    call.get("a")
    state.put("a", b"newer", Version(2, 0))
    call.get("a")
    call.get("missing")
    found, missing = recorded(call).reads
    assert (found.key, found.version.block_num) == ("a", 1)
    assert (missing.key, missing.HasField("version")) == ("missing", False)


def test_the_last_write_of_a_key_counts(tmp_path: Path) -> None:
    call = simulation(tmp_path, world())
    call.put("b", b"1")
    call.put("a", b"1")
    call.delete("b")
    writes = recorded(call).writes
    assert [(write.key, write.is_delete, write.value) for write in writes] == [("a", False, b"1"), ("b", True, b"")]


def test_a_range_read_to_its_end_is_recorded_as_such(tmp_path: Path) -> None:
    call = simulation(tmp_path, world(a="1", b="2", c="3"))
    assert list(call.range("a", "c")) == [("a", b"1"), ("b", b"2")]
    (query,) = recorded(call).range_queries_info
    assert (query.start_key, query.end_key, query.itr_exhausted) == ("a", "c", True)
    assert [read.key for read in query.raw_reads.kv_reads] == ["a", "b"]


def test_a_range_left_early_ends_with_the_last_key_read(tmp_path: Path) -> None:
    call = simulation(tmp_path, world(a="1", b="2", c="3"))
    next(call.range("a", "z"))
    call.range("never", "started")
    (query,) = recorded(call).range_queries_info
    assert (query.end_key, query.itr_exhausted) == ("a", False)


def test_an_empty_key_is_refused(tmp_path: Path) -> None:
    call = simulation(tmp_path, world())
    with pytest.raises(ValueError, match="must not be empty"):
        call.put("", b"x")
    with pytest.raises(ValueError, match="must not be empty"):
        call.delete("")
