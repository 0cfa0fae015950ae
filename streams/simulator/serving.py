"""gRPC handlers: what is between the wire and the services. Slots, faults of a whole call, refusals as gRPC errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from streams.simulator import refusals
from streams.simulator.call_faults import CallFaults
from streams.simulator.faults import Rpc
from streams.simulator.refusals import Refused

Context = grpc.aio.ServicerContext[Any, Any]


class Slots:
    """The gateway's limit on open calls; one over it is refused at once, there is no queue."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot. Raises Refused when there is none."""
        if self._open >= self._limit:
            raise refusals.too_many_requests(self._limit)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


class Handlers:
    """Makes handlers; those of the gateway's calls hold one of `slots`."""

    def __init__(self, faults: CallFaults, slots: Slots) -> None:
        self._faults = faults
        self._slots = slots

    def gateway_call(self, rpc: Rpc, answer: Callable[[Any], Awaitable[Any]], request_type: Any) -> Any:
        """One request, one answer, one slot."""
        faults, slots = self._faults, self._slots

        async def handle(request: Any, context: Context) -> Any:
            try:
                with slots.one():
                    return await faults.serve(rpc, request, context.peer, answer)
            except Refused as refusal:
                await context.abort(refusal.code, refusal.message, refusal.trailers())

        return _unary(handle, request_type)

    def gateway_stream(self, rpc: Rpc, answers: Callable[[Any], AsyncIterator[Any]], request_type: Any) -> Any:
        """One request, many answers, one slot for as long as they come."""
        faults, slots = self._faults, self._slots

        async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
            try:
                with slots.one():
                    faults.open(rpc, request, context.peer)
                    async for answer in answers(request):
                        yield answer
            except Refused as refusal:
                await context.abort(refusal.code, refusal.message, refusal.trailers())

        return grpc.unary_stream_rpc_method_handler(
            handle, request_deserializer=request_type.FromString, response_serializer=_serialized
        )

    def call(self, rpc: Rpc, answer: Callable[[Any], Awaitable[Any]], request_type: Any) -> Any:
        """One request, one answer, of a service without slots."""
        faults = self._faults

        async def handle(request: Any, context: Context) -> Any:
            try:
                return await faults.serve(rpc, request, context.peer, answer)
            except Refused as refusal:
                await context.abort(refusal.code, refusal.message, refusal.trailers())

        return _unary(handle, request_type)

    @staticmethod
    def stream(answers: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], request_type: Any) -> Any:
        """Many requests, many answers."""

        # gRPC streams only from what is itself an asynchronous generator function.
        async def handle(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            try:
                async for answer in answers(requests):
                    yield answer
            except Refused as refusal:
                await context.abort(refusal.code, refusal.message, refusal.trailers())

        return grpc.stream_stream_rpc_method_handler(
            handle, request_deserializer=request_type.FromString, response_serializer=_serialized
        )


def _unary(handle: Callable[[Any, Context], Awaitable[Any]], request_type: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request_type.FromString, response_serializer=_serialized
    )


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())
