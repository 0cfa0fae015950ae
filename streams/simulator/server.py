"""The network put together: keys, ledger, peers, orderer, and the addresses in front of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from streams.errors import StackFailed
from streams.simulator.blocks import BlockFile
from streams.simulator.commit_faults import CommitFaults
from streams.simulator.committer import Committer
from streams.simulator.config import CRYPTO, ORDERER_ORGANISATION, ORGANISATIONS, SimulatorConfig
from streams.simulator.endorser import Chaincode, Endorser, Peer
from streams.simulator.fault_book import ActiveFault, FaultBook
from streams.simulator.faults import Fault, Restart
from streams.simulator.genesis import channel_of, genesis_block
from streams.simulator.identities import Membership, Signer, serialize
from streams.simulator.ledger import Ledger
from streams.simulator.listener import Listener
from streams.simulator.orderer import Orderer
from streams.simulator.part_faults import Changes, Clocks
from streams.simulator.parts import Parts
from streams.simulator.restarts import Restarts
from streams.simulator.validator import Validator
from streams.simulator.wallet import NetworkKeys, client_names, fill_wallet, network_keys


class Simulator:
    """`async with Simulator(config, chaincode) as simulator:` runs the network; `simulator.address` is its gateway.

    `simulator.org2_address` and `simulator.orderer_address` are the other parts' own addresses, "" if not asked for.
    `simulator.committing` ends early only by a failure to commit, which leaving the context raises. Raises StackFailed
    when it cannot start, CredentialsInvalid when the wallet is of another network.
    """

    def __init__(self, config: SimulatorConfig, chaincode: Chaincode) -> None:
        self.config = config
        self.address = config.listen
        self.org2_address = self.orderer_address = ""
        self.faults = FaultBook(time.monotonic)
        self.committing: asyncio.Task[None]
        self._restarts: Restarts
        self._chaincode = chaincode
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await self._start(starting)
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    @property
    def keys(self) -> NetworkKeys:
        """The network's authorities: what else is issued by them is a member too."""
        return network_keys(self.config.state / CRYPTO)

    def identity_names(self) -> list[str]:
        """The clients whose certificates are in the wallet."""
        return client_names(self.config.wallet)

    def add_fault(self, fault: Fault) -> ActiveFault:
        """Put a fault into force; a restart without limits begins now."""
        added = self.faults.add(fault)
        if isinstance(fault, Restart) and not fault.waits_for_a_call:
            self._restarts.begin(fault)
        return added

    async def _start(self, stack: AsyncExitStack) -> None:
        config, book = self.config, self.faults
        for folder in (config.state, config.wallet):
            _make(folder)
        keys = self.keys
        fill_wallet(config.wallet, keys, config.identities)
        clocks, changes = Clocks(book), Changes(book)
        membership = Membership(keys.authorities, clocks.has_expired)
        blocks = stack.enter_context(BlockFile(config.state / "blocks"))
        _found_channel(blocks, config.channel, keys)
        ledger = Ledger(blocks)
        validator = Validator(membership, config.channel, config.chaincode, ORGANISATIONS)
        commit_faults = CommitFaults(book, changes, membership)
        committer = Committer(ledger, validator, _orderer_signer(keys), commit_faults)
        orderer = Orderer(membership, config, committer.hand_over)
        self.committing = asyncio.create_task(committer.run())
        stack.push_async_callback(self._drain, orderer, committer)
        parts = Parts(
            config=config,
            membership=membership,
            ledger=ledger,
            endorser=Endorser(membership, ledger, config.chaincode, self._chaincode, config.chaincode_timeout_s),
            orderer=orderer,
            book=book,
            changes=changes,
            clocks=clocks,
            restart=self._restart,
        )
        gateway = Listener(config.listen, keys.server, parts.peer(_peers(membership, keys, config)))
        self._restarts = Restarts(gateway, parts.peer_faults, parts.orderer_calls)
        self.address = await _listen(stack, gateway)
        stack.push_async_callback(self._restarts.end)
        if config.org2_listen is not None:
            org2 = parts.peer(_peers(membership, keys, config)[::-1])
            self.org2_address = await _listen(stack, Listener(config.org2_listen, keys.org2_server, org2))
        if config.orderer_listen is not None:
            ordering = Listener(config.orderer_listen, keys.orderer_server, parts.ordering())
            self.orderer_address = await _listen(stack, ordering)

    async def _drain(self, orderer: Orderer, committer: Committer) -> None:
        """What was taken is committed before the blocks are closed; no fault holds it back."""
        self.faults.clear()
        orderer.flush()
        committer.finish()
        await self.committing

    def _restart(self, fault: Restart) -> None:
        self._restarts.begin(fault)


async def _listen(stack: AsyncExitStack, listener: Listener) -> str:
    await listener.start()
    stack.push_async_callback(listener.stop)
    return listener.address


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackFailed(f"{folder} cannot be a folder of the simulator: {error.strerror}") from error


def _found_channel(blocks: BlockFile, channel: str, keys: NetworkKeys) -> None:
    if not len(blocks):
        blocks.append(genesis_block(channel, keys.authorities).SerializeToString())
    elif channel_of(blocks.read(0)) != channel:
        raise StackFailed(f"the blocks kept are of channel {channel_of(blocks.read(0))}, not {channel}")


def _peers(membership: Membership, keys: NetworkKeys, config: SimulatorConfig) -> list[Peer]:
    return [
        Peer(
            msp_id=msp_id,
            address=address,
            signer=membership.signer(serialize(msp_id, keys.peers[msp_id].certificate_pem), keys.peers[msp_id].key),
        )
        for msp_id, address in zip(ORGANISATIONS, config.peer_addresses, strict=True)
    ]


def _orderer_signer(keys: NetworkKeys) -> Signer:
    return Signer(serialize(ORDERER_ORGANISATION, keys.orderer.certificate_pem), keys.orderer.key)
