"""The orderer: which envelopes it takes, and when it cuts a block of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import Generic, TypeVar

from fabric_protos.common import common_pb2

from streams.simulator import orderer_refusals
from streams.simulator.config import SimulatorConfig
from streams.simulator.identities import WRITERS, Membership, UnknownIdentity
from streams.simulator.transactions import Claim, Ordered, UnreadableEnvelope, read_claim

Batch = list[Ordered]
M = TypeVar("M", bound=Sized)


class BlockCutter(Generic[M]):
    """When a batch is full (orderer/common/blockcutter/blockcutter.go)."""

    def __init__(self, max_messages: int, preferred_bytes: int) -> None:
        self._max_messages = max_messages
        self._preferred_bytes = preferred_bytes
        self._pending: list[M] = []
        self._pending_bytes = 0

    @property
    def has_pending(self) -> bool:
        """Whether the next cut would yield something."""
        return bool(self._pending)

    def add(self, envelope: M) -> list[list[M]]:
        """Take an envelope; the batches that are full by it, in order."""
        full: list[list[M]] = []
        if self._pending_bytes + len(envelope) > self._preferred_bytes and self._pending:
            full.append(self.cut())
        self._pending.append(envelope)
        self._pending_bytes += len(envelope)
        # One that is larger than preferred travels alone.
        if self._pending_bytes > self._preferred_bytes or len(self._pending) >= self._max_messages:
            full.append(self.cut())
        return full

    def cut(self) -> list[M]:
        """Everything pending."""
        batch, self._pending, self._pending_bytes = self._pending, [], 0
        return batch


class Orderer:
    """Takes envelopes in the order in which they come, and hands on batches in that order.

    As with a real orderer, taken means neither ordered nor written down.
    """

    def __init__(self, membership: Membership, config: SimulatorConfig, hand_on: Callable[[Batch], None]) -> None:
        self._membership = membership
        self._config = config
        self._hand_on = hand_on
        self._cutter: BlockCutter[Ordered] = BlockCutter(config.block_max_messages, config.block_preferred_bytes)
        self._timer: asyncio.TimerHandle | None = None

    def take(self, envelope: common_pb2.Envelope) -> None:
        """Take an envelope. Raises OrdererRefused."""
        claim = self.check(envelope)
        for batch in self._cutter.add(Ordered(serialized=envelope.SerializeToString(), claim=claim)):
            self._hand_on(batch)
            self._stop_timer()
        if self._cutter.has_pending and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._config.block_interval_s, self.flush)

    def flush(self) -> None:
        """Cut what is pending, without waiting for more."""
        self._stop_timer()
        if self._cutter.has_pending:
            self._hand_on(self._cutter.cut())

    def forget(self) -> None:
        """Lose what is pending, as an orderer that is killed."""
        self._stop_timer()
        self._cutter.cut()

    def check(self, envelope: common_pb2.Envelope) -> Claim:
        """What it claims, if it may be ordered: in the order of orderer/common/msgprocessor/standardchannel.go.

        Raises OrdererRefused.
        """
        try:
            claim = read_claim(envelope)
        except UnreadableEnvelope as error:
            raise orderer_refusals.unreadable_envelope(str(error)) from error
        if claim.channel != self._config.channel:
            raise orderer_refusals.no_such_channel_to_order()
        size_bytes = len(envelope.payload) + len(envelope.signature)
        if size_bytes > self._config.message_max_bytes:
            raise orderer_refusals.envelope_too_large(size_bytes, self._config.message_max_bytes)
        try:
            creator = self._membership.identify(claim.creator)
        except UnknownIdentity as error:
            raise orderer_refusals.not_a_writer() from error
        if self._membership.has_expired(creator):
            raise orderer_refusals.expired_broadcaster()
        if not self._membership.signed_by(claim.creator, claim.signature, claim.payload, WRITERS):
            raise orderer_refusals.not_a_writer()
        return claim

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
