"""The state interface put to a peer: questions at the right time, and no more of them than needed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_shim_pb2

from streams.chaincode.shim.invocation import Invocation, read_creator
from streams.chaincode.shim.peer_state import PeerState
from streams.chaincode.state import Creator
from streams.simulator.certificates import Authority
from streams.simulator.identities import serialize

Message = chaincode_shim_pb2.ChaincodeMessage
INVOCATION = Invocation(
    transaction_id="t",
    function="f",
    arguments=(),
    timestamp=datetime(2025, 12, 1, tzinfo=UTC),
    creator=Creator(msp_id="Org1MSP", name="n", attributes={}),
    transient={},
)


class ScriptedPeer:
    """Answers ranges with pages of one entry; `asked` is what it was asked, in order."""

    def __init__(self, keys: str = "") -> None:
        self.keys = list(keys)
        self.asked: list[str] = []

    def __call__(self, kind: int, payload: bytes) -> bytes:
        self.asked.append(Message.Type.Name(kind))
        if kind not in (Message.GET_STATE_BY_RANGE, Message.QUERY_STATE_NEXT):
            return b""
        found = [kv_query_result_pb2.KV(key=key, value=b"v").SerializeToString() for key in self.keys[:1]]
        self.keys = self.keys[1:]
        results = [chaincode_shim_pb2.QueryResultBytes(resultBytes=one) for one in found]
        page = chaincode_shim_pb2.QueryResponse(results=results, has_more=bool(self.keys), id="scan")
        return bytes(page.SerializeToString())


def test_writes_wait_for_the_end_and_each_key_is_written_once() -> None:
    peer = ScriptedPeer()
    state = PeerState(INVOCATION, peer)
    state.put("a", b"1")
    state.put("a", b"2")
    state.delete("b")
    assert peer.asked == []
    state.apply()
    assert peer.asked == ["PUT_STATE", "DEL_STATE"]


def test_an_empty_answer_is_no_value() -> None:
    assert PeerState(INVOCATION, ScriptedPeer()).get("a") is None


@pytest.mark.parametrize("key", [""])
def test_an_empty_key_is_refused(key: str) -> None:
    state = PeerState(INVOCATION, ScriptedPeer())
    with pytest.raises(ValueError, match="must not be empty"):
        state.put(key, b"v")
    with pytest.raises(ValueError, match="must not be empty"):
        state.delete(key)


def test_a_range_read_to_its_end_needs_no_closing() -> None:
    peer = ScriptedPeer("abc")
    assert [key for key, _ in PeerState(INVOCATION, peer).range("a", "z")] == ["a", "b", "c"]
    assert peer.asked == ["GET_STATE_BY_RANGE", "QUERY_STATE_NEXT", "QUERY_STATE_NEXT"]


def test_a_range_that_is_left_early_is_closed_and_read_no_further() -> None:
    peer = ScriptedPeer("abc")
    entries = PeerState(INVOCATION, peer).range("a", "z")
    assert next(entries) == ("a", b"v")
    del entries
    assert peer.asked == ["GET_STATE_BY_RANGE", "QUERY_STATE_CLOSE"]


def test_an_empty_range_is_one_question() -> None:
    peer = ScriptedPeer()
    assert list(PeerState(INVOCATION, peer).range("a", "z")) == []
    assert peer.asked == ["GET_STATE_BY_RANGE"]


def test_the_last_event_counts_and_without_one_there_is_none() -> None:
    state = PeerState(INVOCATION, ScriptedPeer())
    assert state.event() is None
    state.set_event("first", b"1")
    state.set_event("second", b"2")
    event = state.event()
    assert event is not None
    assert (event.event_name, event.payload, event.tx_id) == ("second", b"2", "t")


def test_the_creator_is_read_from_the_certificate() -> None:
    attributes = {"gxc_role": "gx_admin", "hf.EnrollmentID": "somebody"}
    issued = Authority.make("ca").issue("somebody", "client", attributes=attributes)
    creator = read_creator(serialize("Org1MSP", issued.certificate_pem))
    assert creator == Creator(msp_id="Org1MSP", name="somebody", attributes=attributes)
    with pytest.raises(ValueError, match="PEM"):
        read_creator(serialize("Org1MSP", b"no certificate"))
