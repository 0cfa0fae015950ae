"""How faults of the parts behind the gateway are felt: the other peer, the chaincode server, the clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from streams.simulator import peer_refusals
from streams.simulator.config import SimulatorConfig
from streams.simulator.fault_book import ActiveFault, FaultBook
from streams.simulator.faults import (
    ChaincodeDies,
    ChaincodeDown,
    ChaincodeSlow,
    ClockSkew,
    DifferentEndorsements,
    ExpiredCertificate,
    PeerDown,
    PeerHangs,
    RefuseEndorsement,
)
from streams.simulator.identities import Identity

PEER_BACK_S = 0.4
"""How long after its return a peer is not found by the gateway, as measured."""


class Changes:
    """Waits for faults to end."""

    def __init__(self, book: FaultBook) -> None:
        self._book = book
        self._waiting: list[asyncio.Future[None]] = []
        book.on_change.append(self._tell)

    async def is_over(self, active: ActiveFault, *, within_s: float | None) -> bool:
        """Wait until a fault is removed; False when that takes longer than `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                while self._book.holds(active):
                    change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting.append(change)
                    await change
        except TimeoutError:
            return False
        return True

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)


class Clocks:
    """The time in the network, and whether a certificate has run out by it."""

    def __init__(self, book: FaultBook, now: Callable[[], float] = time.time) -> None:
        self._book = book
        self._now = now

    def now_s(self) -> float:
        """Seconds since 1970."""
        skew = self._book.strike(ClockSkew)
        return self._now() + (skew.skew_s if skew else 0.0)

    def has_expired(self, identity: Identity) -> bool:
        """Whether the certificate has run out; asked only by the parts that look."""
        if self._book.strike(ExpiredCertificate):
            return True
        return identity.not_after_s < self.now_s()


class PeerFaults:
    """What is wrong between the gateway, the other organisation's peer, and the chaincode server."""

    def __init__(self, book: FaultBook, changes: Changes, config: SimulatorConfig) -> None:
        self._book = book
        self._changes = changes
        self._config = config
        self._unknown_until_s = 0.0

    def start_warm_up(self, for_s: float) -> None:
        """From now on, the gateway has yet to find the other peers."""
        self._unknown_until_s = time.monotonic() + for_s

    def is_other_peer_unknown(self) -> bool:
        """Whether the gateway has noticed that it is the only peer, or has not noticed that it is not."""
        if time.monotonic() < self._unknown_until_s or self._book.removed_within(PeerDown, PEER_BACK_S):
            return True
        down = self._book.strike_active(PeerDown)
        return (
            down is not None and isinstance(down.fault, PeerDown) and self._book.age_s(down) >= down.fault.unnoticed_s
        )

    async def reach_other_peer(self, address: str) -> None:
        """Call the other peer. Raises PeerRefused when it gives no answer."""
        if self._book.strike(PeerDown):
            raise peer_refusals.unreachable(address)
        hanging = self._book.strike_active(PeerHangs)
        if hanging is not None and not await self._changes.is_over(
            hanging, within_s=self._config.endorsement_timeout_s
        ):
            raise peer_refusals.no_answer()

    async def reach_chaincode(self, transaction_id: str, msp_id: str, *, is_own: bool) -> None:
        """Call the chaincode server from a peer. Raises PeerRefused when it refuses or gives no answer in time.

        The gateway's endorsementTimeout does not bind its own peer.
        """
        if self._book.strike(ChaincodeDown):
            raise peer_refusals.chaincode_unreachable(
                transaction_id, self._config.package_id, self._config.chaincode_address
            )
        slow = self._book.strike(ChaincodeSlow)
        if slow is not None:
            await self._wait_for_chaincode(slow.delay_s, transaction_id, is_own=is_own)
        if self._book.strike(ChaincodeDies):
            raise peer_refusals.chaincode_died(transaction_id)
        refused = self._book.strike(RefuseEndorsement, lambda fault: fault.organisation == msp_id)
        if refused is not None:
            raise peer_refusals.chaincode_answered(refused.status, refused.message)

    def compare(self) -> None:
        """Compare a second endorsement with the first. Raises PeerRefused when they differ."""
        if self._book.strike(DifferentEndorsements):
            raise peer_refusals.different_payloads()

    async def _wait_for_chaincode(self, delay_s: float, transaction_id: str, *, is_own: bool) -> None:
        execute_timeout_s, endorsement_timeout_s = self._config.chaincode_timeout_s, self._config.endorsement_timeout_s
        if not is_own and endorsement_timeout_s < min(delay_s, execute_timeout_s):
            await asyncio.sleep(endorsement_timeout_s)
            raise peer_refusals.no_answer()
        await asyncio.sleep(min(delay_s, execute_timeout_s))
        if execute_timeout_s < delay_s:
            raise peer_refusals.chaincode_timed_out(transaction_id)
