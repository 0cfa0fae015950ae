"""What is said on one peer's stream.

chaincode: REGISTER            peer: REGISTERED, READY
peer:      TRANSACTION         many at once, told apart by channel and transaction id
chaincode: GET_STATE, ...      peer: RESPONSE or ERROR; one question of a transaction at a time
chaincode: COMPLETED or ERROR
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from queue import Empty, SimpleQueue

from fabric_protos.peer import chaincode_pb2, proposal_response_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.shim.invocation import read_invocation
from streams.chaincode.shim.peer_state import PeerState
from streams.chaincode.state import ChaincodeRefused

ANSWER_TIMEOUT_S = 60.0
"""A peer answers within milliseconds, and gives a whole call up after chaincode.executetimeout (30 s)."""

log = logging.getLogger(__name__)


class PeerFailed(Exception):
    """The peer answered a question with ERROR, or not at all."""


class StreamEnded(Exception):
    """The peer has gone; nobody waits for this call."""


class Conversation:
    """One stream with one peer. One thread listens, one sends; calls run on `workers`."""

    def __init__(self, chaincode: ReferenceChaincode, package_id: str, workers: Executor) -> None:
        self._chaincode = chaincode
        self._workers = workers
        self._calls: dict[tuple[str, str], _Call] = {}
        self._outbox: SimpleQueue[Message | None] = SimpleQueue()
        name = chaincode_pb2.ChaincodeID(name=package_id).SerializeToString()
        self._outbox.put(Message(type=Message.REGISTER, payload=name))

    def outgoing(self) -> Iterator[Message]:
        """What is to be sent, one message after the other, until the peer has gone."""
        while (message := self._outbox.get()) is not None:
            yield message

    def listen(self, incoming: Iterable[Message]) -> None:
        """Take what the peer sends until its stream ends, which ends `outgoing` and every open call too."""
        try:
            for message in incoming:
                self._take(message)
        finally:
            for call in list(self._calls.values()):
                call.answers.put(None)
            self._outbox.put(None)

    def _take(self, message: Message) -> None:
        match message.type:
            case Message.TRANSACTION | Message.INIT:
                self._begin(message)
            case Message.RESPONSE | Message.ERROR:
                call = self._calls.get((message.channel_id, message.txid))
                if call is not None:  # otherwise the call has ended: the peer was too slow for it
                    call.answers.put(message)
            case Message.KEEPALIVE:
                self._outbox.put(message)
            case Message.REGISTERED | Message.READY:
                log.info("the peer says %s", Message.Type.Name(message.type))
            case unexpected:
                log.warning("a message of type %s is not expected from a peer", unexpected)

    def _begin(self, message: Message) -> None:
        key = (message.channel_id, message.txid)
        call = _Call(message, self._outbox)
        if key in self._calls:  # the peer gave the first one up; its answers could not be told apart
            call.send(Message.ERROR, b"this transaction is still running in the chaincode")
            return
        self._calls[key] = call
        self._workers.submit(self._run, key, call)

    def _run(self, key: tuple[str, str], call: _Call) -> None:
        try:
            answer = _answer(self._chaincode, call)
        except StreamEnded:
            log.warning("transaction %s: the peer has gone", call.request.txid)
            return
        except Exception as error:
            log.exception("transaction %s broke off", call.request.txid)
            answer = call.message(Message.ERROR, str(error).encode())
        finally:
            # Before the answer is sent: after it the peer may call with the same id again.
            del self._calls[key]
        self._outbox.put(answer)


class _Call:
    """One transaction's part of the conversation."""

    def __init__(self, request: Message, outbox: SimpleQueue[Message | None]) -> None:
        self.request = request
        self.answers: SimpleQueue[Message | None] = SimpleQueue()
        self._outbox = outbox

    def message(self, kind: int, payload: bytes) -> Message:
        return Message(type=kind, payload=payload, txid=self.request.txid, channel_id=self.request.channel_id)

    def send(self, kind: int, payload: bytes) -> None:
        self._outbox.put(self.message(kind, payload))

    def ask(self, kind: int, payload: bytes) -> bytes:
        """Put a question and wait for the answer's payload. Raises PeerFailed or StreamEnded."""
        self.send(kind, payload)
        try:
            answer = self.answers.get(timeout=ANSWER_TIMEOUT_S)
        except Empty:
            raise PeerFailed(f"no answer to {Message.Type.Name(kind)} within {ANSWER_TIMEOUT_S:g} s") from None
        if answer is None:
            raise StreamEnded
        if answer.type == Message.ERROR:
            raise PeerFailed(answer.payload.decode(errors="replace"))
        return bytes(answer.payload)


def _answer(chaincode: ReferenceChaincode, call: _Call) -> Message:
    """COMPLETED with the chaincode's answer or refusal; its writes have been sent, a refusal has none."""
    invocation = read_invocation(call.request)
    state = PeerState(invocation, call.ask)
    try:
        payload = chaincode.invoke(invocation.function, invocation.arguments, state)
    except ChaincodeRefused as refusal:
        refused = proposal_response_pb2.Response(status=refusal.status, message=refusal.message)
        return call.message(Message.COMPLETED, refused.SerializeToString())
    state.apply()
    response = proposal_response_pb2.Response(status=200, payload=payload)
    completed = call.message(Message.COMPLETED, response.SerializeToString())
    event = state.event()
    if event is not None:
        completed.chaincode_event.CopyFrom(event)
    return completed
