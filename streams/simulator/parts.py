"""The services of each part of the network, made of what the parts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.simulator import connections
from streams.simulator.broadcast import Broadcast
from streams.simulator.call_faults import CallFaults
from streams.simulator.chaincode_events import ChaincodeEvents
from streams.simulator.config import ORGANISATIONS, SimulatorConfig
from streams.simulator.deliver import Deliver
from streams.simulator.endorser import Endorser, Peer
from streams.simulator.endorser_service import EndorserService
from streams.simulator.fault_book import FaultBook
from streams.simulator.faults import Restart
from streams.simulator.gateway import Gateway
from streams.simulator.identities import Membership
from streams.simulator.ledger import Ledger
from streams.simulator.orderer import Orderer
from streams.simulator.orderer_faults import OrdererCalls
from streams.simulator.part_faults import Changes, Clocks, PeerFaults
from streams.simulator.peers import Peers
from streams.simulator.qscc import LedgerQueries
from streams.simulator.services import Services, orderer_services, peer_services
from streams.simulator.serving import Handlers, Slots


class Parts:
    """Peers and orderer over one ledger, with the faults of one book."""

    def __init__(
        self,
        *,
        config: SimulatorConfig,
        membership: Membership,
        ledger: Ledger,
        endorser: Endorser,
        orderer: Orderer,
        book: FaultBook,
        changes: Changes,
        clocks: Clocks,
        restart: Callable[[Restart], None],
    ) -> None:
        self._config = config
        self._membership = membership
        self._ledger = ledger
        self._endorser = endorser
        self._book = book
        self.peer_faults = PeerFaults(book, changes, config)
        self.orderer_calls = OrdererCalls(orderer, book, config)
        self._queries = LedgerQueries(ledger, config.channel)
        self._deliver = Deliver(membership, ledger, config.channel, book, clocks.now_s)
        self._call_faults = CallFaults(book, membership, config, drop=connections.drop, restart=restart)

    def peer(self, peers: Sequence[Peer]) -> Services:
        """The services of the first of `peers`; its gateway has slots of its own."""
        gateway = Gateway(
            config=self._config,
            membership=self._membership,
            ledger=self._ledger,
            peers=Peers(
                peers,
                membership=self._membership,
                endorser=self._endorser,
                queries=self._queries,
                faults=self.peer_faults,
            ),
            orderer=self.orderer_calls,
        )
        events = ChaincodeEvents(self._membership, self._ledger, self._config.channel)
        return peer_services(self._handlers(), self._endorser_service(peers[0]), self._deliver, gateway, events)

    def ordering(self) -> Services:
        """The services of the orderer."""
        broadcast = Broadcast(self.orderer_calls, self._membership, self._book)
        return orderer_services(self._handlers(), broadcast, self._deliver)

    def _endorser_service(self, peer: Peer) -> EndorserService:
        return EndorserService(
            peer,
            config=self._config,
            membership=self._membership,
            endorser=self._endorser,
            queries=self._queries,
            faults=self.peer_faults,
            is_reached=peer.msp_id == ORGANISATIONS[0],
        )

    def _handlers(self) -> Handlers:
        return Handlers(self._call_faults, Slots(self._config.gateway_limit))
