"""What the orderer says when it does not take an envelope: the texts of Fabric 2.5.16, as measured there."""

from __future__ import annotations

from fabric_protos.common import common_pb2

from streams.simulator.refusals import NOBODY_SATISFIED, OrdererRefused


def not_a_writer() -> OrdererRefused:
    """Unknown creator, wrong signature, or a role that may not write."""
    return OrdererRefused(
        common_pb2.Status.FORBIDDEN, NOBODY_SATISFIED.format(policy="Writers") + ": permission denied"
    )


def envelope_too_large(size_bytes: int, max_bytes: int) -> OrdererRefused:
    """Over Orderer.BatchSize.AbsoluteMaxBytes."""
    return OrdererRefused(
        common_pb2.Status.BAD_REQUEST,
        f"message payload is {size_bytes} bytes and exceeds maximum allowed {max_bytes} bytes",
    )


def expired_broadcaster() -> OrdererRefused:
    """The certificate has run out since the endorsement, or before."""
    return OrdererRefused(common_pb2.Status.BAD_REQUEST, "broadcast client identity expired")


def unreadable_envelope(reason: str) -> OrdererRefused:
    """No envelope at all."""
    return OrdererRefused(common_pb2.Status.BAD_REQUEST, reason)


def no_such_channel_to_order() -> OrdererRefused:
    """The envelope's own header names another channel (orderer/common/broadcast/broadcast.go)."""
    return OrdererRefused(common_pb2.Status.NOT_FOUND, "channel does not exist")


def no_leader() -> OrdererRefused:
    """The orderers have not elected a raft leader yet (orderer/consensus/etcdraft/chain.go)."""
    return OrdererRefused(common_pb2.Status.SERVICE_UNAVAILABLE, "no Raft leader")
