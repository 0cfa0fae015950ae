"""What a real gateway says while a part is down or hangs; the simulator's faults are modelled on these answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest
from fabric_protos.gateway import gateway_pb2
from native_network import NativeNetwork
from simulator_answers import M_COL, M_END, MSP1, MSP2, at
from wire_network import Said, Wire, create_user, said, wired
from wire_ordering_contract import TOTAL_SUPPLY

from streams.local.fabric.layout import ORDERER_MSP, ORGANISATIONS
from streams.local.fabric.parts import CHAINCODE, ORDERER

pytestmark = pytest.mark.needs_network("it kills and freezes the processes of a real network")

OWN_PEER, OTHER_PEER = (organisation.process for organisation in ORGANISATIONS)
NO_ORDERERS = "no orderers could successfully process transaction"
NO_PEERS = (
    "no combination of peers can be derived which satisfy the endorsement policy: "
    "no peer combination can satisfy the endorsement policy"
)
SERVED: Said = ("OK", "", None)


@pytest.fixture
async def wire(native: NativeNetwork) -> AsyncIterator[Wire]:
    """Every part is well, before and after."""
    async with wired(native.settings(), native.authorities) as made:
        yield made
        await until_committed(made)


@contextmanager
def frozen(native: NativeNetwork, part: str) -> Iterator[None]:
    """The part hangs: its connections stay open and nobody answers."""
    pid = native.parts()[part].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def answer_of(call: Awaitable[object]) -> Said:
    """What a call says that may also succeed."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        failed = error

        async def again() -> None:
            raise failed

        return await said(again())
    return SERVED


async def until_committed(wire: Wire) -> int:
    """The block of a transaction that is carried out as soon as the network is well again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return (await wire.committed(*create_user()))[1]
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)


async def seen(ask: Callable[[], Awaitable[Said]], is_it: Callable[[Said], bool]) -> Said:
    """Ask until the answer is the one that is waited for."""
    last = SERVED
    try:
        async with asyncio.timeout(60):
            while True:
                last = await ask()
                if is_it(last):
                    return last
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the last answer was {last}") from None


def endorsing(wire: Wire, *organisations: str) -> Callable[[], Awaitable[Said]]:
    return lambda: answer_of(wire.client.endorse(wire.client.member.propose(*create_user()), *organisations))


def details(answer: Said) -> str:
    return " ".join(text for _, text in answer[2] or ())


async def test_a_peer_that_is_down_is_a_refused_connection_and_later_no_combination_of_peers(
    native: NativeNetwork, wire: Wire
) -> None:
    os.kill(native.parts()[OTHER_PEER].pid, signal.SIGKILL)
    code, message, rows = await seen(endorsing(wire), lambda last: "connection refused" in details(last))
    assert (code, message, [msp_id for msp_id, _ in rows or ()]) == ("ABORTED", M_COL, [MSP2])
    assert details((code, message, rows)).startswith("rpc error: code = Unavailable desc = connection error: ")
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


async def test_an_orderer_that_is_down_takes_nothing_while_the_peers_go_on(native: NativeNetwork, wire: Wire) -> None:
    transaction_id, envelope = await wire.endorsed(*create_user())
    os.kill(native.parts()[ORDERER].pid, signal.SIGKILL)
    answer = await seen(
        lambda: answer_of(wire.client.submit(envelope)), lambda last: "connection refused" in details(last)
    )
    assert (answer[:2], [msp_id for msp_id, _ in answer[2] or ()]) == (("UNAVAILABLE", NO_ORDERERS), [ORDERER_MSP])
    assert await endorsing(wire)() == SERVED
    assert await wire.client.ask(*TOTAL_SUPPLY)
    again = await seen(lambda: answer_of(wire.client.submit(envelope)), lambda last: last == SERVED)
    assert (again, (await wire.client.status(transaction_id, timeout_s=30))[0]) == (SERVED, "VALID")


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
    transaction_id, envelope = await wire.endorsed(*create_user())
    code = (await answer_of(wire.client.gateway.Submit(wire.client.submit_request(envelope), timeout=timeout_s)))[0]
    assert code in {"DEADLINE_EXCEEDED", "CANCELLED", "OK"}
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
    os.kill(native.parts()[CHAINCODE].pid, signal.SIGKILL)
    code, message, rows = await seen(endorsing(wire), lambda last: "could not launch chaincode" in details(last))
    assert (code, message, [msp_id for msp_id, _ in rows or ()]) == ("ABORTED", M_END, [MSP1])
    assert details((code, message, rows)).endswith('connect: connection refused"')
    await seen(endorsing(wire), lambda last: last == SERVED)


async def test_an_id_is_taken_while_it_is_simulated_also_after_the_client_has_gone(
    native: NativeNetwork, wire: Wire
) -> None:
    proposal = wire.client.member.propose(*create_user())
    with frozen(native, CHAINCODE):
        gone = await said(wire.client.endorse(proposal, timeout_s=1))
        assert gone[0] in {"DEADLINE_EXCEEDED", "CANCELLED"}
        taken = await said(wire.client.endorse(proposal))
    text = (
        f"error in simulation: failed to execute transaction {proposal.transaction_id}: error sending: "
        f"txid: {proposal.transaction_id}(gxchannel) exists"
    )
    assert taken == ("ABORTED", M_END, [(MSP1, text)])
    await seen(lambda: answer_of(wire.client.endorse(proposal)), lambda last: last == SERVED)


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
        os.kill(native.parts()[OWN_PEER].pid, number)
        for code, _, rows in (await waiting, await said(stream.next())):
            assert (code, rows) == ("UNAVAILABLE", None)
    down = await seen(lambda: answer_of(wire.client.status("T", timeout_s=0.2)), lambda last: last[0] == "UNAVAILABLE")
    assert "failed to connect to all addresses" in down[1] or "Socket closed" in down[1]
    await seen(lambda: answer_of(wire.client.ask(*TOTAL_SUPPLY)), lambda last: last == SERVED)
    await seen(endorsing(wire), lambda last: last in (SERVED, ("FAILED_PRECONDITION", NO_PEERS, None)))
    assert await until_committed(wire) == newest + 1
