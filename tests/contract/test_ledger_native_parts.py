"""What a real gateway says while a part is down or hangs; the simulator's faults are modelled on these answers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator

import pytest
from fabric_protos.common.common_pb2 import HeaderType
from fabric_protos.gateway import gateway_pb2
from native_faults import (
    NO_ORDERERS,
    NO_PEERS,
    OTHER_PEER,
    OWN_PEER,
    SERVED,
    answer_of,
    details,
    down,
    endorsing,
    frozen,
    seen,
    until_committed,
)
from native_network import NativeNetwork
from simulator_answers import M_COL, M_END, MSP1, MSP2, at
from simulator_client import CHANNEL, OLDEST
from wire_network import Wire, create_user, said, wired
from wire_ordering_contract import TOTAL_SUPPLY

from streams.local.fabric.layout import ORDERER_MSP
from streams.local.fabric.parts import CHAINCODE_SERVER, ORDERER

SILENT = re.compile(
    r"rpc error: code = (DeadlineExceeded|Unavailable) desc = "
    r"(context deadline exceeded|stream terminated by RST_STREAM|keepalive ping failed to receive ACK within timeout)"
)
"""Of half a minute's silence; the second when the connection has been idle before, and its ping is due earlier."""

pytestmark = pytest.mark.needs_network("it kills and freezes the processes of a real network")


@pytest.fixture
async def wire(native: NativeNetwork) -> AsyncIterator[Wire]:
    """Every part is well, before and after."""
    async with wired(native.settings(), native.authorities) as made:
        yield made
        await until_committed(made)


async def test_a_peer_that_is_down_is_a_refused_connection_until_the_gateway_notices_and_then_no_combination_of_peers(
    native: NativeNetwork, wire: Wire
) -> None:
    with down(native, OTHER_PEER):
        early = await seen(endorsing(wire), lambda last: "connection refused" in details(last))
        assert (early[:2], [msp_id for msp_id, _ in early[2] or ()]) == (("ABORTED", M_COL), [MSP2])
        assert details(early).startswith("rpc error: code = Unavailable desc = connection error: ")
        await seen(endorsing(wire), lambda last: last == ("FAILED_PRECONDITION", NO_PEERS, None))
        nobody = "failed to find any endorsing peers for org(s): Org2MSP"
        assert await endorsing(wire, MSP2)() == ("UNAVAILABLE", nobody, None)
        transaction_id, envelope = await wire.endorsed(*create_user(), organisations=[MSP1])
        await wire.client.submit(envelope)
        assert (await wire.client.status(transaction_id))[0] == "ENDORSEMENT_POLICY_FAILURE"
        assert await wire.client.ask(*TOTAL_SUPPLY)
    await seen(endorsing(wire), lambda last: last == SERVED)


async def test_a_peer_that_hangs_holds_the_endorsement_until_the_clients_deadline(
    native: NativeNetwork, wire: Wire
) -> None:
    proposal = wire.client.member.propose(*create_user())
    with frozen(native, OTHER_PEER):
        code, _, rows = await said(wire.client.endorse(proposal, timeout_s=1))
    assert (code in {"DEADLINE_EXCEEDED", "CANCELLED"}, rows) == (True, None)
    await seen(endorsing(wire), lambda last: last == SERVED)


async def test_an_orderer_that_is_down_takes_nothing_while_the_peers_go_on_and_adds_no_block_when_it_is_back(
    native: NativeNetwork, wire: Wire
) -> None:
    _, newest = await wire.committed(*create_user())
    transaction_id, envelope = await wire.endorsed(*create_user())
    with down(native, ORDERER):
        answer = await seen(
            lambda: answer_of(wire.client.submit(envelope)), lambda last: "connection refused" in details(last)
        )
        assert (answer[:2], [msp_id for msp_id, _ in answer[2] or ()]) == (("UNAVAILABLE", NO_ORDERERS), [ORDERER_MSP])
        assert await endorsing(wire)() == SERVED
        assert await wire.client.ask(*TOTAL_SUPPLY)
    await seen(lambda: answer_of(wire.client.submit(envelope)), lambda last: last == ("UNAVAILABLE", NO_ORDERERS, None))
    await seen(lambda: answer_of(wire.client.submit(envelope)), lambda last: last == SERVED)
    assert await wire.client.status(transaction_id, timeout_s=30) == ("VALID", newest + 1)


async def test_what_an_orderer_had_acknowledged_and_not_ordered_is_lost_and_the_same_envelope_cures_it(
    native: NativeNetwork, wire: Wire
) -> None:
    """It dies within the 50 ms to the block, or is killed again. What is paid conflicts with no new user."""
    payer, payee = await wire.new_user(), await wire.new_user()
    for _ in range(5):
        pay = ("TokenomicsContract:TransferWithFees", payer, payee, "1", "P2P", "x", "")
        transaction_id, envelope = await wire.endorsed(*pay)
        orderer = native.parts()[ORDERER].pid
        await wire.client.submit(envelope)
        os.kill(orderer, signal.SIGKILL)
        await until_committed(wire)
        lost = await answer_of(wire.client.query("GetTransactionByID", CHANNEL, transaction_id))
        if lost != SERVED:
            break
    assert "no such transaction ID" in lost[1]
    assert (await said(wire.client.status(transaction_id, timeout_s=0.5)))[0] in {"DEADLINE_EXCEEDED", "CANCELLED"}
    await wire.client.submit(envelope)
    assert (await wire.client.status(transaction_id))[0] == "VALID"


async def test_an_orderer_that_hangs_leaves_open_what_the_same_envelope_settles(
    native: NativeNetwork, wire: Wire
) -> None:
    transaction_id, envelope = await wire.endorsed(*create_user())
    request = wire.client.submit_request(envelope)
    with frozen(native, ORDERER):
        code, _, rows = await said(wire.client.gateway.Submit(request, timeout=1))
    assert (code in {"DEADLINE_EXCEEDED", "CANCELLED"}, rows) == (True, None)
    await seen(lambda: answer_of(wire.client.submit(envelope)), lambda last: last == SERVED)
    assert (await wire.client.status(transaction_id, timeout_s=30))[0] == "VALID"


@pytest.mark.parametrize("timeout_s", [0.0001, 0.001])
async def test_a_deadline_below_the_duration_of_submit_leaves_open_what_the_same_envelope_settles(
    wire: Wire, timeout_s: float
) -> None:
    """A gateway that feels the client's deadline while it talks to the orderer says that of the orderer."""
    transaction_id, envelope = await wire.endorsed(*create_user())
    answer = await answer_of(wire.client.gateway.Submit(wire.client.submit_request(envelope), timeout=timeout_s))
    assert answer[0] in {"DEADLINE_EXCEEDED", "CANCELLED", "OK"} or answer[:2] == ("UNAVAILABLE", NO_ORDERERS)
    await wire.client.submit(envelope)
    assert (await wire.client.status(transaction_id))[0] == "VALID"


async def test_a_submit_that_the_client_cancels_may_have_been_ordered(wire: Wire) -> None:
    transaction_id, envelope = await wire.endorsed(*create_user())
    call = wire.client.gateway.Submit(wire.client.submit_request(envelope))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await wire.client.submit(envelope)
    assert (await wire.client.status(transaction_id))[0] == "VALID"


async def test_a_chaincode_that_is_down_is_named_and_one_that_is_back_is_used_at_once(
    native: NativeNetwork, wire: Wire
) -> None:
    with down(native, CHAINCODE_SERVER):
        code, message, rows = await seen(endorsing(wire), lambda last: "could not launch chaincode" in details(last))
    assert (code, message, [msp_id for msp_id, _ in rows or ()]) == ("ABORTED", M_END, [MSP1])
    assert details((code, message, rows)).endswith('connect: connection refused"')
    await seen(endorsing(wire), lambda last: last == SERVED)


async def test_an_id_is_taken_while_it_is_simulated_also_after_the_client_has_gone(
    native: NativeNetwork, wire: Wire
) -> None:
    proposal = wire.client.member.propose(*create_user())
    with frozen(native, CHAINCODE_SERVER):
        gone = await said(wire.client.endorse(proposal, timeout_s=1))
        assert gone[0] in {"DEADLINE_EXCEEDED", "CANCELLED"}
        taken = await said(wire.client.endorse(proposal))
    text = (
        f"error in simulation: failed to execute transaction {proposal.transaction_id}: error sending: "
        f"txid: {proposal.transaction_id}(gxchannel) exists"
    )
    assert taken == ("ABORTED", M_END, [(MSP1, text)])
    await seen(lambda: answer_of(wire.client.endorse(proposal)), lambda last: last == SERVED)


async def test_a_chaincode_that_dies_during_the_call_ends_its_stream(native: NativeNetwork, wire: Wire) -> None:
    proposal = wire.client.member.propose(*create_user())
    text = f"error in simulation: failed to execute transaction {proposal.transaction_id}: error sending: "
    with frozen(native, CHAINCODE_SERVER):
        calls = {asyncio.ensure_future(said(wire.client.endorse(proposal, timeout_s=30))) for _ in range(2)}
        (late,), (simulated,) = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        os.kill(native.parts()[CHAINCODE_SERVER].pid, signal.SIGKILL)
    assert await late == ("ABORTED", M_END, [(MSP1, f"{text}txid: {proposal.transaction_id}(gxchannel) exists")])
    assert await simulated == ("ABORTED", M_END, [(MSP1, f"{text}chaincode stream terminated")])


async def test_what_hangs_for_longer_than_gateway_and_peers_wait_is_named_and_an_envelope_may_be_ordered_after_it(
    native: NativeNetwork, wire: Wire
) -> None:
    """Each of the three timeouts of the network is half a minute."""
    transaction_id, envelope = await wire.endorsed(*TOTAL_SUPPLY)
    proposal = wire.client.member.propose(*create_user())
    request = wire.client.submit_request(envelope)
    with frozen(native, CHAINCODE_SERVER), frozen(native, OTHER_PEER), frozen(native, ORDERER):
        slow, hung, unordered = await asyncio.gather(
            said(wire.client.endorse(proposal, timeout_s=100)),
            said(wire.client.endorse(wire.client.member.propose(*create_user()), MSP2, timeout_s=100)),
            said(wire.client.gateway.Submit(request, timeout=100)),
        )
    text = f"error in simulation: failed to execute transaction {proposal.transaction_id}: error sending: "
    assert slow == ("ABORTED", M_END, [(MSP1, text + "timeout expired while executing transaction")])
    assert (hung[:2], SILENT.match(details(hung)) is not None) == (("ABORTED", M_COL), True), hung
    assert (unordered[:2], SILENT.match(details(unordered)) is not None) == (("UNAVAILABLE", NO_ORDERERS), True), (
        unordered
    )
    await seen(lambda: answer_of(wire.client.submit(envelope)), lambda last: last == SERVED)
    assert (await wire.client.status(transaction_id, timeout_s=30))[0] == "VALID"


async def test_three_blocks_of_the_chaincodes_lifecycle_come_before_the_first_transaction(wire: Wire) -> None:
    async with wire.client.stream(OLDEST, at(3)) as stream:
        types = [[entry.type for entry in (await stream.block()).filtered_transactions] for _ in range(4)]
    assert types == [[HeaderType.CONFIG], *[[HeaderType.ENDORSER_TRANSACTION]] * 3]


async def test_a_gateway_that_hangs_answers_nobody_until_the_deadline(native: NativeNetwork, wire: Wire) -> None:
    with frozen(native, OWN_PEER):
        assert (await said(wire.client.status("T", timeout_s=0.5)))[::2] == ("DEADLINE_EXCEEDED", None)
        request = gateway_pb2.EvaluateRequest()
        assert (await said(wire.client.gateway.Evaluate(request, timeout=0.5)))[0] == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
async def test_open_calls_of_a_gateway_that_ends_are_cut_off_and_its_blocks_go_on_without_a_gap(
    native: NativeNetwork, wire: Wire, number: signal.Signals
) -> None:
    _, newest = await wire.committed(*create_user())
    waiting = asyncio.ensure_future(said(wire.client.status("T", timeout_s=60)))
    async with wire.client.stream(at(newest)) as stream:
        assert (await stream.block()).number == newest
        with down(native, OWN_PEER, number):
            for code, _, rows in (await waiting, await said(stream.next())):
                assert (code, rows) == ("UNAVAILABLE", None)
            await seen(
                lambda: answer_of(wire.client.status("T", timeout_s=0.2)),
                lambda last: (last[0], "failed to connect to all addresses" in last[1]) == ("UNAVAILABLE", True),
            )
    await seen(lambda: answer_of(wire.client.ask(*TOTAL_SUPPLY)), lambda last: last == SERVED)
    await seen(endorsing(wire), lambda last: last == ("FAILED_PRECONDITION", NO_PEERS, None))
    assert await until_committed(wire) == newest + 1
