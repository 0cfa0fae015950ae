"""The chaincode's state interface, put to the peer as questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_event_pb2, chaincode_shim_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message

from streams.chaincode.shim.invocation import Invocation
from streams.chaincode.state import Creator, require_key, require_value

Ask = Callable[[int, bytes], bytes]
"""A question of this transaction: type of the message and its payload, to the payload of the answer."""


class PeerState:
    """The `State` of one transaction. Reads go to the peer at once, writes with `apply`, after the chaincode's return.

    Every method may raise what `ask` raises: the peer refuses, or is gone.
    """

    def __init__(self, invocation: Invocation, ask: Ask) -> None:
        self._invocation = invocation
        self._ask = ask
        self._writes: dict[str, bytes | None] = {}
        self._event: tuple[str, bytes] | None = None

    @property
    def transaction_id(self) -> str:
        """The id of the transaction."""
        return self._invocation.transaction_id

    @property
    def timestamp(self) -> datetime:
        """The proposal's time, UTC."""
        return self._invocation.timestamp

    @property
    def creator(self) -> Creator:
        """Who signed the proposal."""
        return self._invocation.creator

    @property
    def transient(self) -> Mapping[str, bytes]:
        """What the client sent along outside the transaction."""
        return self._invocation.transient

    def get(self, key: str) -> bytes | None:
        """The committed value; an empty answer is how the peer says that there is none."""
        return self._ask(Message.GET_STATE, chaincode_shim_pb2.GetState(key=key).SerializeToString()) or None

    def put(self, key: str, value: bytes) -> None:
        """Write a key. Raises ValueError for an empty key or value."""
        require_key(key)
        require_value(value)
        self._writes[key] = value

    def delete(self, key: str) -> None:
        """Remove a key. Raises ValueError for an empty one."""
        require_key(key)
        self._writes[key] = None

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Committed entries from `start` (inclusive) to `end` (exclusive; "" for no end), fetched page by page."""
        question = chaincode_shim_pb2.GetStateByRange(startKey=start, endKey=end)
        page = self._page(Message.GET_STATE_BY_RANGE, question.SerializeToString())
        try:
            while True:
                for result in page.results:
                    entry = kv_query_result_pb2.KV.FromString(result.resultBytes)
                    yield entry.key, entry.value
                if not page.has_more:
                    return
                following = chaincode_shim_pb2.QueryStateNext(id=page.id)
                page = self._page(Message.QUERY_STATE_NEXT, following.SerializeToString())
        finally:
            if page.has_more:  # left early; after the last page the peer has closed it by itself
                closing = chaincode_shim_pb2.QueryStateClose(id=page.id)
                self._ask(Message.QUERY_STATE_CLOSE, closing.SerializeToString())

    def set_event(self, name: str, payload: bytes) -> None:
        """The transaction's event; the last one counts."""
        self._event = (name, payload)

    def apply(self) -> None:
        """Send the writes, in the order in which their keys were first written."""
        for key, value in self._writes.items():
            if value is None:
                self._ask(Message.DEL_STATE, chaincode_shim_pb2.DelState(key=key).SerializeToString())
            else:
                self._ask(Message.PUT_STATE, chaincode_shim_pb2.PutState(key=key, value=value).SerializeToString())

    def event(self) -> chaincode_event_pb2.ChaincodeEvent | None:
        """The event as COMPLETED carries it; the peer adds the chaincode's name."""
        if self._event is None:
            return None
        name, payload = self._event
        return chaincode_event_pb2.ChaincodeEvent(tx_id=self.transaction_id, event_name=name, payload=payload)

    def _page(self, kind: int, question: bytes) -> chaincode_shim_pb2.QueryResponse:
        return chaincode_shim_pb2.QueryResponse.FromString(self._ask(kind, question))
