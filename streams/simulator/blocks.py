"""Blocks: how they are chained, and the file that keeps them.

The file is append-only: per block a length and a checksum (4 bytes each, big-endian), then the serialized common.Block.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from fabric_protos.common import common_pb2

from streams.errors import StackFailed

log = logging.getLogger(__name__)

_RECORD = struct.Struct(">II")
_FILTER = common_pb2.BlockMetadataIndex.TRANSACTIONS_FILTER


def build_block(
    number: int, previous_hash: bytes, envelopes: Sequence[bytes], codes: Sequence[int]
) -> common_pb2.Block:
    """A block of these envelopes, with the validation code of each in metadata[2]."""
    block = common_pb2.Block(
        header=common_pb2.BlockHeader(
            number=number, previous_hash=previous_hash, data_hash=hashlib.sha256(b"".join(envelopes)).digest()
        ),
        data=common_pb2.BlockData(data=envelopes),
    )
    block.metadata.metadata.extend([b""] * len(common_pb2.BlockMetadataIndex.keys()))
    block.metadata.metadata[_FILTER] = bytes(codes)
    return block


def validation_codes(block: common_pb2.Block) -> bytes:
    """The TxValidationCode of each envelope, in order."""
    return bytes(block.metadata.metadata[_FILTER])


def header_hash(header: common_pb2.BlockHeader) -> bytes:
    """What the next block refers to (protoutil/blockutils.go)."""
    return hashlib.sha256(header_bytes(header)).digest()


def header_bytes(header: common_pb2.BlockHeader) -> bytes:
    """The ASN.1 DER of a header, which is what is hashed and signed (protoutil/blockutils.go)."""
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    fields = _der(0x02, number) + _der(0x04, header.previous_hash) + _der(0x04, header.data_hash)
    return _der(0x30, fields)


def _der(tag: int, content: bytes) -> bytes:
    # Short form only: no part of a header reaches 128 bytes.
    return bytes((tag, len(content))) + content


class BlockFile:
    """The blocks on disk. `append` returns when the block is safe there."""

    def __init__(self, path: Path) -> None:
        """Open, or start, the file. A last record that a crash cut short is dropped, and logged.

        Raises StackFailed when another process has it open, or it holds something else than what was written.
        """
        self._path = path
        self._file = open(path, "a+b")  # noqa: SIM115  (closed by `close`)
        self._lock()
        self._places: list[tuple[int, int]] = []
        self._end = 0
        for length in self._whole_records():
            self._places.append((self._end + _RECORD.size, length))
            self._end += _RECORD.size + length
        self._drop_rest()

    def __enter__(self) -> BlockFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """The height: the number of the next block."""
        return len(self._places)

    def append(self, serialized: bytes) -> None:
        """Write and fsync one block."""
        self._file.write(_RECORD.pack(len(serialized), zlib.crc32(serialized)) + serialized)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._places.append((self._end + _RECORD.size, len(serialized)))
        self._end += _RECORD.size + len(serialized)

    def read(self, number: int) -> common_pb2.Block:
        """The block of this number. Raises IndexError."""
        start, length = self._places[number]
        return common_pb2.Block.FromString(os.pread(self._file.fileno(), length, start))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise StackFailed(f"{self._path} is in use by another process") from error

    def _drop_rest(self) -> None:
        rest = os.fstat(self._file.fileno()).st_size - self._end
        if not rest:
            return
        if not self._places:
            self._file.close()
            raise StackFailed(f"{self._path} holds no block but {rest} other bytes: remove it, or put the blocks back")
        log.warning("%s: %d bytes after block %d are no whole block: dropped", self._path, rest, len(self) - 1)
        self._file.truncate(self._end)

    def _whole_records(self) -> Iterator[int]:
        size = os.fstat(self._file.fileno()).st_size
        start = 0
        while start + _RECORD.size <= size:
            length, checksum = _RECORD.unpack(os.pread(self._file.fileno(), _RECORD.size, start))
            end = start + _RECORD.size + length
            if end > size:
                return
            if zlib.crc32(os.pread(self._file.fileno(), length, start + _RECORD.size)) != checksum:
                if end == size:
                    return
                raise StackFailed(f"{self._path}: the record at byte {start} is damaged")
            yield length
            start = end
