"""Whether what a transaction read is still so: MVCC and phantom checks within and across blocks.

As core/ledger/kvledger/txmgmt/validation/{validator,rangequery_validator}.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.peer import transaction_pb2

from streams.simulator.state import Version, WorldState

Code = transaction_pb2.TxValidationCode


class BlockWrites:
    """The keys written by the valid transactions of a block so far, over the state before the block."""

    def __init__(self, world: WorldState) -> None:
        self._world = world
        self._deleted: dict[str, bool] = {}

    def conflict(self, results: kv_rwset_pb2.KVRWSet) -> int:
        """VALID, MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT."""
        for read in results.reads:
            # A key that the block has written was read at an older version, whatever that version is.
            if read.key in self._deleted or _version(read) != self._world.version(read.key):
                return int(Code.MVCC_READ_CONFLICT)
        for query in results.range_queries_info:
            if list(self._now(query)) != [(read.key, _version(read)) for read in query.raw_reads.kv_reads]:
                return int(Code.PHANTOM_READ_CONFLICT)
        return int(Code.VALID)

    def add(self, results: kv_rwset_pb2.KVRWSet) -> None:
        """Take a valid transaction's writes."""
        for write in results.writes:
            self._deleted[write.key] = write.is_delete

    def _now(self, query: kv_rwset_pb2.RangeQueryInfo) -> Iterator[tuple[str, Version | None]]:
        """The range as the transactions before this one leave it; a key written in this block has no version yet."""
        # A range that the chaincode left early ends with the last key it saw, and includes it.
        end = query.end_key if query.itr_exhausted or not query.end_key else query.end_key + "\0"
        found: dict[str, Version | None] = {
            key: entry.version for key, entry in self._world.range(query.start_key, end)
        }
        changed = False
        for key, deleted in self._deleted.items():
            if query.start_key <= key and (not end or key < end):
                changed = True
                if deleted:
                    found.pop(key, None)
                else:
                    found[key] = None
        yield from sorted(found.items(), key=lambda item: item[0]) if changed else found.items()


def _version(read: kv_rwset_pb2.KVRead) -> Version | None:
    return Version(read.version.block_num, read.version.tx_num) if read.HasField("version") else None
