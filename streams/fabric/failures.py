"""A failed gRPC call, unpacked: code, text and the peers' own words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import grpc
from fabric_protos.gateway import gateway_pb2
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

_DETAILS_TRAILER = "grpc-status-details-bin"
_WRAPPER = re.compile(r"\Arpc error: code = (?P<code>\w+) desc = (?P<text>.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What one peer or orderer said. `go_code` is set when the gateway could not call it, or it refused the call."""

    address: str
    msp_id: str
    text: str
    go_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call. No `details`: the gateway's own word, or the connection to it."""

    code: grpc.StatusCode
    text: str
    details: tuple[Detail, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What the failure is to be recognised by: the details' texts, or else its own."""
        return tuple(detail.text for detail in self.details) or (self.text,)

    def __str__(self) -> str:
        if not self.details:
            return self.text or self.code.name
        return "; ".join(f"{detail.msp_id} {detail.address}: {detail.text}" for detail in self.details)


def detail(address: str, msp_id: str, message: str) -> Detail:
    """A detail with Go's wrapping of a remote error taken off."""
    wrapped = _WRAPPER.match(message)
    if wrapped is None:
        return Detail(address=address, msp_id=msp_id, text=message)
    return Detail(address=address, msp_id=msp_id, text=wrapped["text"], go_code=wrapped["code"])


def chaincode_failure(status: int, message: str) -> Failure:
    """What a gateway makes of a chaincode's refusal at Endorse (internal/pkg/gateway/apiutils.go, responseStatus)."""
    said = detail("", "", f"chaincode response {status}, {message}")
    return Failure(code=grpc.StatusCode.ABORTED, text="failed to endorse transaction", details=(said,))


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """Unpack an error of grpc.aio.

    The details are `gateway.ErrorDetail` messages in the `google.rpc.Status` of a trailer; the trailer is absent
    when there are none (internal/pkg/gateway/apiutils.go, newRpcError). Raises CancelledError when the error
    stands in its place.
    """
    raise_if_cancelled()
    return Failure(code=error.code(), text=error.details() or "", details=_details(error))


def raise_if_cancelled() -> None:
    """Cancel the task that is being cancelled.

    When an answer and the cancellation of its call cross, grpc.aio raises the answer's error and the CancelledError
    is gone (seen with 1.85): the task would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _details(error: grpc.aio.AioRpcError) -> tuple[Detail, ...]:
    found: list[Detail] = []
    for name, value in cast(Iterable[tuple[str, bytes]], error.trailing_metadata() or ()):
        if name != _DETAILS_TRAILER:
            continue
        try:
            packed = status_pb2.Status.FromString(value).details
        except DecodeError:
            continue  # a proxy's trailer: code and text still tell what they tell
        for one in packed:
            said = gateway_pb2.ErrorDetail()
            if one.Unpack(said):
                found.append(detail(said.address, said.msp_id, said.message))
    return tuple(found)
