"""A look-up tells what counts, also when the peer's index shows another entry of the id."""

from __future__ import annotations

from typing import Any, cast

import grpc
import pytest
from fabric_answers import LIMIT
from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2

from streams.errors import CommitUnknown
from streams.fabric.look_up import look_up
from streams.ledger import VALID, LedgerEntry

T = "ab" * 32
CODES = transaction_pb2.TxValidationCode


def envelope(transaction_id: str, *arguments: str, result: bytes = b"{}") -> Any:
    spec = chaincode_pb2.ChaincodeSpec(
        input=chaincode_pb2.ChaincodeInput(args=[argument.encode() for argument in arguments])
    )
    called = proposal_pb2.ChaincodeProposalPayload(
        input=chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()
    )
    answered = proposal_pb2.ChaincodeAction(response=proposal_response_pb2.Response(status=200, payload=result))
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=called.SerializeToString(),
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=proposal_response_pb2.ProposalResponsePayload(
                extension=answered.SerializeToString()
            ).SerializeToString()
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[transaction_pb2.TransactionAction(payload=action.SerializeToString())]
    )
    header = common_pb2.Header(channel_header=common_pb2.ChannelHeader(tx_id=transaction_id).SerializeToString())
    payload = common_pb2.Payload(header=header, data=transaction.SerializeToString()).SerializeToString()
    return common_pb2.Envelope(payload=payload)


def junk(transaction_id: str) -> Any:
    header = common_pb2.Header(channel_header=common_pb2.ChannelHeader(tx_id=transaction_id).SerializeToString())
    return common_pb2.Envelope(payload=common_pb2.Payload(header=header, data=b"\xff").SerializeToString())


class Peer:
    """The questions to a single gateway; it answers as qscc and CommitStatus do: with the first entry of an id."""

    peers = ("a",)

    def __init__(self, number: int, *entries: tuple[Any, str]) -> None:
        self.number = number
        self.entries = entries
        self.asked: list[str] = []

    async def evaluate(self, chaincode: str, arguments: tuple[str, ...], _: str) -> bytes:
        function, channel, transaction_id = arguments
        assert (chaincode, channel, transaction_id) == ("qscc", "ch", T)
        self.asked.append(function)
        if function == "GetBlockByTxID":
            return self._block()
        first, code = next((envelope, code) for envelope, code in self.entries if T in str(envelope.payload))
        answered: bytes = transaction_pb2.ProcessedTransaction(
            transactionEnvelope=first, validationCode=CODES.Value(code)
        ).SerializeToString()
        return answered

    async def block_number(self, transaction_id: str, _: str) -> int:
        self.asked.append("CommitStatus")
        return self.number

    def _block(self) -> bytes:
        block = common_pb2.Block(
            header=common_pb2.BlockHeader(number=self.number),
            data=common_pb2.BlockData(data=[envelope.SerializeToString() for envelope, _ in self.entries]),
            metadata=common_pb2.BlockMetadata(
                metadata=[b"", b"", bytes(CODES.Value(code) for _, code in self.entries)]
            ),
        )
        serialised: bytes = block.SerializeToString()
        return serialised


async def found(peer: Any) -> LedgerEntry | None:
    return await look_up(cast(Any, peer), "ch", T)


@pytest.mark.parametrize("code", [VALID, "MVCC_READ_CONFLICT", "PHANTOM_READ_CONFLICT"])
async def test_an_entry_that_passed_all_checks_of_form_counts_at_once(code: str) -> None:
    peer = Peer(7, (envelope(T, "C:F", "ä", result=b"r"), code))
    assert await found(peer) == LedgerEntry(
        transaction_id=T, code=code, block_number=7, arguments=("C:F", "ä"), result=b"r"
    )
    assert peer.asked == ["GetTransactionByID", "CommitStatus"]


async def test_a_valid_entry_behind_an_invalid_one_in_the_same_block_counts() -> None:
    peer = Peer(
        7,
        (envelope("cd" * 32, "C:Other"), VALID),
        (envelope(T, "C:F", "first"), "ENDORSEMENT_POLICY_FAILURE"),
        (envelope(T, "C:F", "second", result=b"r"), VALID),
        (envelope(T, "C:F", "second"), "DUPLICATE_TXID"),
    )
    assert await found(peer) == LedgerEntry(
        transaction_id=T, code=VALID, block_number=7, arguments=("C:F", "second"), result=b"r"
    )


async def test_an_invalid_entry_alone_counts() -> None:
    entry = await found(Peer(7, (envelope(T, "C:F"), "ENDORSEMENT_POLICY_FAILURE")))
    assert entry is not None
    assert (entry.code, entry.arguments) == ("ENDORSEMENT_POLICY_FAILURE", ("C:F",))


async def test_junk_under_the_id_has_no_arguments() -> None:
    entry = await found(Peer(7, (junk(T), "BAD_PROPOSAL_TXID")))
    assert entry == LedgerEntry(transaction_id=T, code="BAD_PROPOSAL_TXID", block_number=7, arguments=(), result=b"")


async def test_a_repetition_without_its_first_entry_leaves_the_commit_unknown() -> None:
    with pytest.raises(CommitUnknown, match="only a repetition"):
        await found(Peer(7, (envelope(T, "C:F"), "DUPLICATE_TXID")))


async def test_a_block_without_the_id_leaves_the_commit_of_that_id_unknown() -> None:
    class Odd(Peer):
        def _block(self) -> bytes:
            return Peer(7, (envelope("cd" * 32, "C:Other"), VALID))._block()

    with pytest.raises(CommitUnknown) as unknown:
        await found(Odd(7, (envelope(T, "C:F"), "ENDORSEMENT_POLICY_FAILURE")))
    assert unknown.value.transaction_id == T


class Failing:
    """A single gateway that fails at one question."""

    peers = ("a",)

    def __init__(self, code: grpc.StatusCode, text: str, at: str) -> None:
        self.error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), text, None)
        self.at = at
        self.peer = Peer(7, (envelope(T, "C:F"), VALID))

    async def evaluate(self, chaincode: str, arguments: tuple[str, ...], peer: str) -> bytes:
        if self.at == arguments[0]:
            raise self.error
        return await self.peer.evaluate(chaincode, arguments, peer)

    async def block_number(self, _: str, __: str) -> int:
        raise self.error


@pytest.mark.parametrize("at", ["GetTransactionByID", "CommitStatus"])
async def test_a_peer_that_cannot_answer_leaves_the_commit_unknown(at: str) -> None:
    with pytest.raises(CommitUnknown) as unknown:
        await found(Failing(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", at))
    assert (unknown.value.code, unknown.value.transaction_id) == ("TIMEOUT", T)


async def test_an_answer_that_cannot_be_read_leaves_the_commit_unknown() -> None:
    class Garbled(Peer):
        async def evaluate(self, chaincode: str, arguments: tuple[str, ...], _: str) -> bytes:
            return b"\xff\xff"

    with pytest.raises(CommitUnknown, match="cannot be read"):
        await found(Garbled(7))


KNOWING, OTHER_ENTRY = Peer(7, (envelope(T, "C:F"), VALID)), Peer(8, (envelope(T, "C:F"), "DUPLICATE_TXID"))
EMPTY = Failing(
    grpc.StatusCode.UNKNOWN,
    f"chaincode response 500, Failed to get transaction with id {T}, error no such transaction ID [{T}] in index",
    "GetTransactionByID",
)
HUNG = Failing(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", "GetTransactionByID")
FULL = Failing(grpc.StatusCode.UNKNOWN, LIMIT, "GetTransactionByID")
SNAPSHOT = Failing(
    grpc.StatusCode.UNKNOWN,
    f"chaincode response 500, Failed to get transaction with id {T}, error details for the TXID [{T}] not available."
    " Ledger bootstrapped from a snapshot. First available block = [9]",
    "GetTransactionByID",
)


class Several:
    """The questions to several gateways, the one in use first."""

    def __init__(self, *peers: Any) -> None:
        self.peers = peers
        self.asked: list[Any] = []

    async def evaluate(self, chaincode: str, arguments: tuple[str, ...], peer: Any) -> bytes:
        self.asked.append(peer)
        answered: bytes = await peer.evaluate(chaincode, arguments, peer)
        return answered

    async def block_number(self, transaction_id: str, peer: Any) -> int:
        number: int = await peer.block_number(transaction_id, peer)
        return number


@pytest.mark.parametrize("first", [EMPTY, HUNG, FULL, SNAPSHOT, OTHER_ENTRY])
async def test_what_one_gateway_does_not_know_another_may(first: Any) -> None:
    """It may lag behind the chain, hang, or have joined from a snapshot."""
    entry = await found(Several(first, HUNG, KNOWING))
    assert entry is not None
    assert (entry.code, entry.block_number) == (VALID, 7)


async def test_a_gateway_that_knows_is_enough() -> None:
    asked = Several(KNOWING, HUNG)
    assert await found(asked) is not None
    assert HUNG not in asked.asked


@pytest.mark.parametrize("others", [(EMPTY,), (HUNG,), (EMPTY, HUNG)])
async def test_there_is_nothing_if_every_gateway_says_so_that_can_be_asked(others: tuple[Any, ...]) -> None:
    assert await found(Several(EMPTY, *others)) is None
    assert await found(Several(*others, EMPTY)) is None


@pytest.mark.parametrize(
    ("others", "code"), [((FULL,), "OVERLOADED"), ((SNAPSHOT,), "UNRECOGNISED"), ((HUNG, OTHER_ENTRY), "UNRECOGNISED")]
)
async def test_that_one_says_there_is_nothing_does_not_outweigh_another_that_may_know(
    others: tuple[Any, ...], code: str
) -> None:
    for peers in (EMPTY, *others), (*others, EMPTY):
        with pytest.raises(CommitUnknown) as unknown:
            await found(Several(*peers))
        assert unknown.value.code == code


async def test_if_no_gateway_can_be_asked_the_commit_is_unknown() -> None:
    with pytest.raises(CommitUnknown) as unknown:
        await found(Several(HUNG, HUNG))
    assert unknown.value.code == "TIMEOUT"


async def test_without_need_of_a_proof_the_gateway_in_use_is_believed() -> None:
    asked = Several(EMPTY, KNOWING)
    assert await look_up(cast(Any, asked), "ch", T, is_proof_wanted=False) is None
    assert asked.asked == [EMPTY]
    assert await look_up(cast(Any, Several(HUNG, KNOWING)), "ch", T, is_proof_wanted=False) is not None
