"""One simulated call: what the chaincode sees of the state, and the record of what it read and wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import chaincode_event_pb2

from streams.chaincode.state import Creator, require_key, require_value
from streams.simulator.identities import Identity
from streams.simulator.proposals import Proposal
from streams.simulator.state import Version, WorldState


@dataclass(slots=True)
class _RangeRead:
    start: str
    end: str
    exhausted: bool = False
    read: list[tuple[str, Version]] = field(default_factory=list)


class Simulation:
    """The `State` that a peer offers a chaincode during one call, recording.

    Reads answer from the committed state and never from the call's own writes (core/chaincode/handler.go).
    """

    def __init__(self, world: WorldState, proposal: Proposal, creator: Identity) -> None:
        self._world = world
        self._proposal = proposal
        self._creator = Creator(msp_id=creator.msp_id, name=creator.name, attributes=creator.attributes)
        self._reads: dict[str, Version | None] = {}
        self._ranges: list[_RangeRead] = []
        self._writes: dict[str, bytes | None] = {}
        self._event: tuple[str, bytes] | None = None

    @property
    def transaction_id(self) -> str:
        """The id of the transaction."""
        return self._proposal.transaction_id

    @property
    def timestamp(self) -> datetime:
        """The proposal's time, UTC."""
        return self._proposal.timestamp

    @property
    def creator(self) -> Creator:
        """Who signed the proposal."""
        return self._creator

    @property
    def transient(self) -> Mapping[str, bytes]:
        """What the client sent along outside the transaction."""
        return self._proposal.transient

    def get(self, key: str) -> bytes | None:
        """The committed value."""
        entry = self._world.get(key)
        # The first version seen stays: a later one would hide that a block was committed in between.
        self._reads.setdefault(key, None if entry is None else entry.version)
        return None if entry is None else entry.value

    def put(self, key: str, value: bytes) -> None:
        """Write a key. Raises ValueError for an empty key or value."""
        require_key(key)
        require_value(value)
        self._writes[key] = value

    def delete(self, key: str) -> None:
        """Remove a key. Raises ValueError for an empty one."""
        require_key(key)
        self._writes[key] = None

    def range(self, start: str, end: str) -> Iterator[tuple[str, bytes]]:
        """Committed entries from `start` (inclusive) to `end` (exclusive; "" for no end); what is read is recorded."""
        record = _RangeRead(start, end)
        self._ranges.append(record)
        return self._recorded(record)

    def set_event(self, name: str, payload: bytes) -> None:
        """The transaction's event; the last one counts."""
        self._event = (name, payload)

    def results(self) -> bytes:
        """The read and write set: a serialized TxReadWriteSet with keys in order, equal at every peer."""
        kv = kv_rwset_pb2.KVRWSet(
            reads=[_kv_read(key, version) for key, version in sorted(self._reads.items())],
            range_queries_info=[_range_query(record) for record in self._ranges if record.exhausted or record.read],
            writes=[
                kv_rwset_pb2.KVWrite(key=key, is_delete=value is None, value=value or b"")
                for key, value in sorted(self._writes.items())
            ],
        )
        namespace = rwset_pb2.NsReadWriteSet(namespace=self._proposal.chaincode, rwset=kv.SerializeToString())
        results = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.KV, ns_rwset=[namespace])
        return bytes(results.SerializeToString())

    def event(self) -> bytes:
        """The serialized ChaincodeEvent; empty when there is none."""
        if self._event is None:
            return b""
        name, payload = self._event
        event = chaincode_event_pb2.ChaincodeEvent(
            chaincode_id=self._proposal.chaincode, tx_id=self.transaction_id, event_name=name, payload=payload
        )
        return bytes(event.SerializeToString())

    def _recorded(self, record: _RangeRead) -> Iterator[tuple[str, bytes]]:
        for key, entry in self._world.range(record.start, record.end):
            record.read.append((key, entry.version))
            yield key, entry.value
        record.exhausted = True


def _kv_read(key: str, version: Version | None) -> kv_rwset_pb2.KVRead:
    if version is None:
        return kv_rwset_pb2.KVRead(key=key)
    return kv_rwset_pb2.KVRead(key=key, version=kv_rwset_pb2.Version(block_num=version.block, tx_num=version.position))


def _range_query(record: _RangeRead) -> kv_rwset_pb2.RangeQueryInfo:
    """A range that was not read to its end ends, for the validator, with the last key read (rwset/rwset_builder.go)."""
    end = record.end
    if not record.exhausted:
        end = record.read[-1][0]
    return kv_rwset_pb2.RangeQueryInfo(
        start_key=record.start,
        end_key=end,
        itr_exhausted=record.exhausted,
        raw_reads=kv_rwset_pb2.QueryReads(kv_reads=[_kv_read(key, version) for key, version in record.read]),
    )
