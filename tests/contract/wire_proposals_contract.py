"""What a gateway says to calls that are wrong: code, text and details, the same on every network."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from fabric_protos.common import common_pb2
from simulator_answers import DENIED, M_EVAL, MSP1, MSP2, NO_PLAN, READERS, WRITERS, high_s
from simulator_client import CHANNEL, OLDEST
from wire_network import (
    Said,
    Wire,
    WireNetwork,
    create_user,
    not_evaluated,
    refused_by_other,
    refused_by_own,
    refused_by_remote,
    said,
)
from wrong_messages import EMPTY_REQUESTS, PROPOSALS, STRANGERS, prepared, right_id, stranger


class WireProposalsContract(WireNetwork):
    """Nothing of this reaches the ledger."""

    @pytest.mark.parametrize("wrong", PROPOSALS)
    async def test_a_wrong_proposal_is_refused_by_the_peer_that_is_asked(self, wire: Wire, wrong: str) -> None:
        make, template = PROPOSALS[wrong]
        client, own_id = wire.client, right_id(wire.client.member)
        text, proposal = template.format(id=own_id, ID=own_id.upper()), make(wire.client.member)
        assert await said(client.endorse(proposal)) == refused_by_own(text)
        assert await said(client.endorse(proposal, MSP2)) == refused_by_remote(text)
        assert await said(client.evaluate(proposal)) == not_evaluated(text)

    @pytest.mark.parametrize(("chaincode", "channel"), [("nope", CHANNEL), ("gxtv3", "nochan"), ("qscc", CHANNEL)])
    async def test_nobody_endorses_an_unknown_chaincode_or_channel(
        self, wire: Wire, chaincode: str, channel: str
    ) -> None:
        proposal = wire.client.member.propose("GetChainInfo", CHANNEL, chaincode=chaincode, channel=channel)
        no_plan = NO_PLAN.format(chaincode, channel)
        assert await said(wire.client.endorse(proposal)) == ("FAILED_PRECONDITION", no_plan, None)

    async def test_a_wrong_ledger_query_to_be_endorsed_is_refused_by_the_own_peer_first(self, wire: Wire) -> None:
        proposal = wire.client.member.propose("Nope", CHANNEL, "x", chaincode="qscc")
        text = "chaincode response 500, access denied for [Nope][gxchannel]: [Unmapped policy for qscc/Nope]"
        assert await said(wire.client.endorse(proposal)) == refused_by_own(text)

    async def test_other_calls_on_an_unknown_chaincode_or_channel_have_texts_of_their_own(self, wire: Wire) -> None:
        client, member = wire.client, wire.client.member
        no_config = "failed to get config for channel [nochan]: could not get last config for channel nochan"
        no_peers = "no peers available to evaluate chaincode nope in channel gxchannel"
        no_policy = "Failed to get policy manager for channel [nochan]"
        no_organisation = "failed to find any endorsing peers for org(s): NoMSP"
        _, envelope = await wire.endorsed(*create_user())
        calls: list[tuple[Awaitable[object], str, str]] = [
            (client.evaluate(member.propose("f", chaincode="nope")), "FAILED_PRECONDITION", no_peers),
            (client.evaluate(member.propose("f", channel="nochan")), "UNAVAILABLE", no_config),
            (client.submit(envelope, channel="nochan"), "FAILED_PRECONDITION", no_config),
            (client.gateway.CommitStatus(member.ask_status("T", channel="nochan")), "PERMISSION_DENIED", no_policy),
            (client.endorse(member.propose("f"), "NoMSP"), "UNAVAILABLE", no_organisation),
        ]
        for call, code, message in calls:
            assert await said(call) == (code, message, None)

    async def test_a_refusal_of_the_chaincode_carries_its_own_status_and_text(self, wire: Wire) -> None:
        client, member, called = wire.client, wire.client.member, {"command_id": os.urandom(8).hex().encode()}
        first = member.propose(*create_user(), transient=called)
        await client.submit(member.sign(await client.endorse(first)))
        assert (await client.status(first.transaction_id))[0] == "VALID"
        applied = f"chaincode response 409, command {called['command_id'].decode()} already applied by transaction "
        for proposal, text in (
            (member.propose("Nope"), "chaincode response 500, Function Nope not found in contract IdentityContract"),
            (member.propose(*create_user(), transient=called), applied + first.transaction_id),
        ):
            assert await said(client.endorse(proposal)) == refused_by_own(text)
            await caught_up(wire, first.transaction_id)
            assert await said(client.endorse(proposal, MSP2)) == refused_by_other(text)
            assert await said(client.evaluate(proposal)) == not_evaluated(text, "UNKNOWN")

    @pytest.mark.parametrize("who", STRANGERS)
    async def test_a_creator_whom_nobody_knows_gets_one_answer_whatever_the_reason(self, wire: Wire, who: str) -> None:
        client = wire.as_member(stranger(wire.authorities[MSP1], who))
        text = DENIED + "unknown, creator is malformed"
        proposal = client.member.propose("f")
        assert await said(client.endorse(proposal)) == refused_by_own(text)
        assert await said(client.evaluate(proposal)) == not_evaluated(text)
        assert await said(client.submit(prepared(client.member))) == ("ABORTED", WRITERS, None)
        assert await said(client.status(proposal.transaction_id)) == ("PERMISSION_DENIED", READERS, None)
        async with client.stream(OLDEST) as stream:
            assert await stream.status() == "FORBIDDEN"

    @pytest.mark.parametrize("spoil", [lambda _: b"junk", high_s, lambda _: b""], ids=["junk", "high S", "empty"])
    async def test_a_wrong_signature_on_an_envelope_or_a_status_request_is_refused(
        self, wire: Wire, spoil: Callable[[bytes], bytes]
    ) -> None:
        client = wire.client
        transaction_id, envelope = await wire.endorsed(*create_user())
        wrong = common_pb2.Envelope(payload=envelope.payload, signature=spoil(envelope.signature))
        unsigned: Said = ("INVALID_ARGUMENT", "prepared transaction must be signed", None)
        assert await said(client.submit(wrong)) == (("ABORTED", WRITERS, None) if wrong.signature else unsigned)
        request = client.member.ask_status(transaction_id)
        request.signature = spoil(request.signature)
        assert await said(client.gateway.CommitStatus(request)) == ("PERMISSION_DENIED", READERS, None)
        await client.submit(envelope)
        assert (await client.status(transaction_id))[0] == "VALID", "a refused Submit leaves no trace"

    @pytest.mark.parametrize(
        ("call", "request_message", "message"),
        EMPTY_REQUESTS,
        ids=["Endorse", "Evaluate", "Submit", "CommitStatus"],
    )
    async def test_an_empty_request_is_an_invalid_argument(
        self, wire: Wire, call: str, request_message: object, message: str
    ) -> None:
        assert await said(getattr(wire.client.gateway, call)(request_message)) == ("INVALID_ARGUMENT", message, None)

    async def test_an_envelope_over_the_orderers_limit_is_endorsed_but_not_taken(self, wire: Wire) -> None:
        payer, payee = await wire.new_user(), await wire.new_user()
        remark = "x" * 6 * 1024 * 1024  # once among the arguments, once in the event
        _, envelope = await wire.endorsed("TokenomicsContract:TransferWithFees", payer, payee, "1", "P2P", remark, "")
        size_bytes = len(envelope.payload) + len(envelope.signature)
        assert await said(wire.client.submit(envelope)) == (
            "ABORTED",
            "received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is "
            f"{size_bytes} bytes and exceeds maximum allowed 10485760 bytes",
            None,
        )

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (
                ("GetTransactionByID", CHANNEL, "T"),
                "Failed to get transaction with id T, error no such transaction ID [T] in index",
            ),
            (("GetTransactionByID", "nochan", "T"), "Invalid chain ID, nochan"),
            (("GetTransactionByID", CHANNEL), "missing 3rd argument for GetTransactionByID"),
            (("Nope", CHANNEL, "x"), "access denied for [Nope][gxchannel]: [Unmapped policy for qscc/Nope]"),
        ],
        ids=["unknown id", "unknown channel", "missing argument", "unknown function"],
    )
    async def test_a_wrong_ledger_query_says_what_is_wrong(
        self, wire: Wire, arguments: tuple[str, ...], reason: str
    ) -> None:
        text = f"chaincode response 500, {reason}"
        assert await said(wire.client.query(*arguments)) == ("UNKNOWN", M_EVAL + text, [(MSP1, text)])

    async def test_an_id_on_the_ledger_with_any_code_is_refused_by_every_peer(self, wire: Wire) -> None:
        for organisations, code in (((), "VALID"), ((MSP1,), "ENDORSEMENT_POLICY_FAILURE")):
            client, nonce = wire.client, os.urandom(24)
            transaction_id, envelope = await wire.endorsed(*create_user(), organisations=organisations, nonce=nonce)
            await client.submit(envelope)
            assert (await client.status(transaction_id))[0] == code
            text = f"duplicate transaction found [{transaction_id}]. Creator [{client.member.creator.hex()}]"
            again = client.member.propose("other arguments", nonce=nonce)
            assert await said(client.endorse(again)) == refused_by_own(text)
            await caught_up(wire, transaction_id)
            assert await said(client.endorse(again, MSP2)) == refused_by_remote(text)
            assert await said(client.evaluate(again)) == not_evaluated(text)


async def caught_up(wire: Wire, transaction_id: str) -> None:
    """Until the other organisation's peer has the block, which the gateway's has."""
    proposal = wire.client.member.propose("GetTransactionByID", CHANNEL, transaction_id, chaincode="qscc")
    request = wire.client.evaluate_request(proposal, MSP2)
    async with asyncio.timeout(30):
        while True:
            try:
                await wire.client.gateway.Evaluate(request, timeout=10)
            except Exception as error:
                if "no such transaction ID" not in str(error):
                    raise
                await asyncio.sleep(0.02)
            else:
                return
