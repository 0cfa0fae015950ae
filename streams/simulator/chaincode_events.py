"""The stream `gateway.Gateway/ChaincodeEvents`: the events of valid transactions, with payload, block by block.

As internal/pkg/gateway/chaincodeevents.go and internal/pkg/gateway/event. An open stream takes a slot of the gateway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from fabric_protos.gateway import gateway_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_event_pb2
from google.protobuf.message import DecodeError

from streams.simulator import refusals
from streams.simulator.identities import READERS, Membership
from streams.simulator.ledger import Ledger
from streams.simulator.validator import VALID


class ChaincodeEvents:
    """The events on one channel."""

    def __init__(self, membership: Membership, ledger: Ledger, channel: str) -> None:
        self._membership = membership
        self._ledger = ledger
        self._channel = channel

    async def follow(
        self, signed: gateway_pb2.SignedChaincodeEventsRequest
    ) -> AsyncIterator[gateway_pb2.ChaincodeEventsResponse]:
        """A response for every block with events of the chaincode asked for. Raises Refused."""
        asked = self._admitted(signed)
        number = self._first(asked)
        is_past_checkpoint = not asked.after_transaction_id
        while True:
            await self._ledger.wait_for(number)
            found: list[chaincode_event_pb2.ChaincodeEvent] = []
            for event in self._events(number):
                if not is_past_checkpoint:
                    is_past_checkpoint = event.tx_id == asked.after_transaction_id
                elif event.chaincode_id == asked.chaincode_id:
                    found.append(event)
            if found:
                yield gateway_pb2.ChaincodeEventsResponse(events=found, block_number=number)
            number += 1

    def _admitted(self, signed: gateway_pb2.SignedChaincodeEventsRequest) -> gateway_pb2.ChaincodeEventsRequest:
        if not signed.request:
            raise refusals.invalid_request("a chaincode events request is required")
        try:
            asked = gateway_pb2.ChaincodeEventsRequest.FromString(signed.request)
        except DecodeError as error:
            raise refusals.invalid_request(f"invalid chaincode events request: {error}") from error
        if asked.channel_id != self._channel:
            raise refusals.no_policy_manager(asked.channel_id)
        if not self._membership.signed_by(asked.identity, signed.signature, signed.request, READERS):
            raise refusals.not_a_reader(asked.channel_id)
        return asked

    def _first(self, asked: gateway_pb2.ChaincodeEventsRequest) -> int:
        """The block to start with: that of the checkpoint's transaction if it is known, else the position."""
        checkpoint = self._ledger.first_entry(asked.after_transaction_id)
        if checkpoint is not None:
            return checkpoint.block
        return self._position(asked.start_position)

    def _position(self, start: ab_pb2.SeekPosition) -> int:
        match start.WhichOneof("Type"):
            case None | "next_commit":
                return self._ledger.height
            case "specified":
                return int(start.specified.number)
            case other:
                raise refusals.wrong_start(other.title())

    def _events(self, number: int) -> list[chaincode_event_pb2.ChaincodeEvent]:
        """Every whole event of the block, of any chaincode."""
        events = [
            transaction.action.event
            for transaction in self._ledger.transactions(number)
            if transaction.code == VALID and transaction.action is not None
        ]
        return [event for event in events if event is not None and event.event_name and event.tx_id]
