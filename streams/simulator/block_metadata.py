"""The metadata of a block, as clients take it apart: the orderer's signature, the last configuration, the commit hash.

metadata[SIGNATURES] and [LAST_CONFIG] as orderer/common/multichannel/blockwriter.go, [COMMIT_HASH] as kv_ledger.go,
except that the hash covers the endorsed results instead of a peer's own bytes for its updates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fabric_protos.common import common_pb2

from streams.simulator.blocks import header_bytes, validation_codes
from streams.simulator.identities import Signer

_INDEX = common_pb2.BlockMetadataIndex
_LAST_CONFIG = common_pb2.LastConfig(index=0)
"""Block 0 holds the only configuration that this channel ever has."""


def sign_block(block: common_pb2.Block, orderer: Signer, nonce: bytes) -> None:
    """Add the orderer's signature over header and metadata, and where the configuration is."""
    signature_header = common_pb2.SignatureHeader(creator=orderer.serialized, nonce=nonce).SerializeToString()
    value = common_pb2.OrdererBlockMetadata(
        last_config=_LAST_CONFIG, consenter_metadata=common_pb2.Metadata().SerializeToString()
    ).SerializeToString()
    signature = orderer.sign(value, signature_header, header_bytes(block.header))
    signed = common_pb2.Metadata(
        value=value,
        signatures=[common_pb2.MetadataSignature(signature_header=signature_header, signature=signature)],
    )
    block.metadata.metadata[_INDEX.SIGNATURES] = signed.SerializeToString()
    last_config = common_pb2.Metadata(value=_LAST_CONFIG.SerializeToString())
    block.metadata.metadata[_INDEX.LAST_CONFIG] = last_config.SerializeToString()


def add_commit_hash(block: common_pb2.Block, results: Iterable[bytes], previous: bytes) -> None:
    """Add the hash over the codes, the valid results and the hash of the block before."""
    codes = validation_codes(block)
    content = b"".join((_varint(len(codes)), codes, *results, previous))
    value = common_pb2.Metadata(value=hashlib.sha256(content).digest())
    block.metadata.metadata[_INDEX.COMMIT_HASH] = value.SerializeToString()


def commit_hash(block: common_pb2.Block) -> bytes:
    """The hash that `add_commit_hash` added; empty when there is none."""
    if len(block.metadata.metadata) <= _INDEX.COMMIT_HASH:
        return b""
    return bytes(common_pb2.Metadata.FromString(block.metadata.metadata[_INDEX.COMMIT_HASH]).value)


def as_ordered(block: common_pb2.Block) -> common_pb2.Block:
    """The block as the orderer has it: without what the peers find out."""
    ordered = common_pb2.Block()
    ordered.CopyFrom(block)
    for index in (_INDEX.TRANSACTIONS_FILTER, _INDEX.COMMIT_HASH):
        ordered.metadata.metadata[index] = b""
    return ordered


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
