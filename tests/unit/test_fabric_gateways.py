"""Calls stay with one gateway until it is ill, and go to another without being carried out twice."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import grpc
import pytest
from fabric_answers import (
    BROKEN,
    END,
    LIMIT,
    NO_LAUNCH,
    NO_ORDERERS,
    NO_PEERS,
    NO_SUCH_HOST,
    NOT_CONNECTED,
    P1,
    answer,
)
from grpc import StatusCode

from streams.fabric.failures import Failure
from streams.fabric.gateways import ILLNESS_S, STRIKES, GatewayPeer, Gateways, Method, is_unreachable
from streams.telemetry.traceparent import carrying


def error(code: str, text: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(StatusCode[code], grpc.aio.Metadata(), grpc.aio.Metadata(), text, None)


DOWN = error("UNAVAILABLE", NOT_CONNECTED)
LOST = error("UNAVAILABLE", BROKEN)
LATE = error("DEADLINE_EXCEEDED", "Deadline Exceeded")
FULL = error("UNKNOWN", LIMIT)
NO_ENDORSERS = error("FAILED_PRECONDITION", NO_PEERS + "no peer combination can satisfy the endorsement policy")
REFUSED = error("ABORTED", "failed to endorse transaction, see attached details for more info")


class Channel:
    """Answers each call with the next of `script`, then with its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.script: list[grpc.aio.AioRpcError | None] = []
        self.calls: list[str] = []
        self.metadata: list[dict[str, str]] = []

    def unary_unary(self, path: str, **_: Any) -> Any:
        async def call(_: bytes, *, timeout: float, metadata: tuple[tuple[str, str], ...]) -> bytes:  # noqa: ASYNC109
            self.metadata.append(dict(metadata))
            self.calls.append(path.rpartition("/")[2])
            if self.script and (failure := self.script.pop(0)) is not None:
                raise failure
            return self.name.encode()

        return call

    def stream_stream(self, *_: Any, **__: Any) -> None: ...


class Pool:
    """Gateways a, b, ... over such channels, with a clock that is moved by hand."""

    def __init__(self, names: str = "ab") -> None:
        self.now_s = 100.0
        self.channels = [Channel(name) for name in names]
        self.changes: list[tuple[str, str]] = []
        self.gateways = Gateways(
            [GatewayPeer(channel.name, cast(Any, channel)) for channel in self.channels],
            lambda left, chosen, _: self.changes.append((left, chosen)),
            clock=lambda: self.now_s,
        )

    async def ask(self, method: Method = Method.ENDORSE) -> str:
        return (await self.gateways.call(method, b"", 1.0)).decode()

    async def fail(self, times: int, method: Method = Method.ENDORSE) -> None:
        for _ in range(times):
            with pytest.raises(grpc.aio.AioRpcError):
                await self.ask(method)


@pytest.mark.parametrize("method", [Method.ENDORSE, Method.EVALUATE, Method.COMMIT_STATUS])
@pytest.mark.parametrize("failure", [DOWN, LOST, error("UNAVAILABLE", NO_SUCH_HOST)])
async def test_what_changes_nothing_is_asked_of_another_gateway_at_once(
    method: Method, failure: grpc.aio.AioRpcError
) -> None:
    pool = Pool()
    pool.channels[0].script = [failure]
    assert [await pool.ask(method) for _ in range(3)] == ["b", "b", "b"]
    assert pool.changes == [("a", "b")]


async def test_a_submit_that_was_never_sent_goes_to_another_gateway() -> None:
    pool = Pool()
    pool.channels[0].script = [DOWN]
    assert await pool.ask(Method.SUBMIT) == "b"


async def test_a_submit_of_which_the_connection_broke_is_not_repeated_but_the_next_goes_to_another_gateway() -> None:
    pool = Pool()
    pool.channels[0].script = [LOST]
    await pool.fail(1, Method.SUBMIT)
    assert pool.channels[1].calls == []
    assert await pool.ask(Method.SUBMIT) == "b"


@pytest.mark.parametrize("failure", [LATE, FULL, NO_ENDORSERS, error("UNAVAILABLE", NO_ORDERERS)])
async def test_a_gateway_that_answers_but_fails_is_left_after_some_failures_in_a_row(
    failure: grpc.aio.AioRpcError,
) -> None:
    pool = Pool()
    pool.channels[0].script = [failure] * STRIKES
    await pool.fail(STRIKES)
    assert await pool.ask() == "b"


async def test_a_success_of_the_same_call_forgives_failures() -> None:
    pool = Pool()
    pool.channels[0].script = [LATE, LATE, None, LATE, LATE]
    await pool.fail(STRIKES - 1)
    assert await pool.ask() == "a"
    await pool.fail(STRIKES - 1)
    assert await pool.ask() == "a"


async def test_a_success_of_another_call_forgives_nothing() -> None:
    """An orderer that this gateway cannot reach is not to be seen at Endorse."""
    pool = Pool()
    pool.channels[0].script = [LATE, None, LATE, None, LATE]
    for _ in range(STRIKES):
        await pool.fail(1, Method.SUBMIT)
        await pool.ask(Method.ENDORSE)
    assert await pool.ask(Method.SUBMIT) == "b"


async def test_a_refusal_is_no_illness() -> None:
    pool = Pool()
    pool.channels[0].script = [REFUSED] * 20
    await pool.fail(20)
    assert pool.gateways.current.address == "a"


@pytest.mark.parametrize(
    "said", [NO_LAUNCH, "error sending: chaincode stream terminated", f"rpc error: code = Unknown desc = {NO_LAUNCH}"]
)
def test_a_gateway_whose_chaincode_does_not_run_is_left_after_some_failures_in_a_row(said: str) -> None:
    pool = Pool()
    for _ in range(STRIKES):
        assert pool.gateways.current.address == "a"
        pool.gateways.failed(pool.gateways.peers[0], Method.ENDORSE, answer("ABORTED", END, (P1, said)))
    assert pool.gateways.current.address == "b"


def test_what_a_chaincode_says_is_no_illness_of_the_gateway_whatever_it_quotes() -> None:
    pool = Pool()
    for _ in range(20):
        refused = answer("ABORTED", END, (P1, "chaincode response 500, could not launch chaincode"))
        pool.gateways.failed(pool.gateways.peers[0], Method.ENDORSE, refused)
    assert pool.gateways.current.address == "a"


async def test_a_gateway_that_is_well_again_is_not_gone_back_to() -> None:
    pool = Pool()
    pool.channels[0].script = [DOWN]
    await pool.ask()
    pool.now_s += 10 * ILLNESS_S
    assert await pool.ask() == "b"
    pool.channels[1].script = [DOWN]
    assert await pool.ask() == "a"
    assert pool.changes == [("a", "b"), ("b", "a")]


async def test_one_that_was_ill_just_now_is_passed_over() -> None:
    pool = Pool("abc")
    pool.channels[0].script = [DOWN]
    pool.channels[1].script = [None, DOWN]
    assert [await pool.ask() for _ in range(2)] == ["b", "c"]
    pool.channels[2].script = [DOWN]
    pool.now_s += ILLNESS_S
    assert await pool.ask() == "a"


async def test_with_all_of_them_down_each_is_tried_once() -> None:
    pool = Pool("abc")
    for channel in pool.channels:
        channel.script = [DOWN] * 2
    await pool.fail(2)
    assert [len(channel.calls) for channel in pool.channels] == [2, 2, 2]
    assert await pool.ask() in {"a", "b", "c"}


async def test_a_failure_that_all_of_them_have_does_not_send_calls_to_and_fro() -> None:
    pool = Pool()
    for channel in pool.channels:
        channel.script = [LATE] * 100
    await pool.fail(50)
    assert [len(channel.calls) for channel in pool.channels] == [STRIKES, 50 - STRIKES]


async def test_a_late_answer_of_the_gateway_that_was_left_is_no_change() -> None:
    pool = Pool()
    release = asyncio.Event()

    async def late(*_: Any, **__: Any) -> bytes:
        await release.wait()
        return b"late"

    pool.gateways.peers[0].calls[Method.EVALUATE] = late
    waiting = asyncio.create_task(pool.ask(Method.EVALUATE))
    await asyncio.sleep(0)
    pool.channels[0].script = [DOWN]
    assert await pool.ask() == "b"
    release.set()
    assert await waiting == "late"
    assert await pool.ask() == "b"
    assert pool.changes == [("a", "b")]


async def test_a_call_carries_the_trace_context_of_its_command() -> None:
    pool = Pool("a")
    with carrying("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        await pool.ask()
    await pool.ask()
    carried = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    assert pool.channels[0].metadata == [carried, {}]


async def test_a_single_gateway_is_kept_whatever_happens() -> None:
    pool = Pool("a")
    pool.channels[0].script = [DOWN, LOST, *[LATE] * 9]
    await pool.fail(11)
    assert await pool.ask() == "a"
    assert pool.changes == []


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (StatusCode.UNAVAILABLE, NOT_CONNECTED, True),
        (StatusCode.UNAVAILABLE, "Stream removed (recvmsg:Connection reset by peer (104))", True),
        (StatusCode.UNAVAILABLE, NO_ORDERERS, False),
        (StatusCode.UNAVAILABLE, "failed to find any endorsing peers for org(s): NoMSP", False),
        (StatusCode.ABORTED, BROKEN, False),
    ],
)
def test_a_gateway_that_says_unavailable_itself_can_be_reached(code: StatusCode, text: str, expected: bool) -> None:
    assert is_unreachable(Failure(code=code, text=text)) is expected
