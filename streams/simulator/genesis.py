"""Block 0: the channel's configuration, one entry of type CONFIG."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.msp import msp_config_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from streams.simulator.blocks import build_block
from streams.simulator.certificates import Authority
from streams.simulator.config import ORDERER_ORGANISATION
from streams.simulator.transactions import read_serialized
from streams.simulator.validator import VALID


def genesis_block(channel: str, authorities: Mapping[str, Authority]) -> common_pb2.Block:
    """The first block of a channel of these organisations, with the root certificate of each."""
    config = configtx_pb2.Config()
    for msp_id, authority in authorities.items():
        side = "Orderer" if msp_id == ORDERER_ORGANISATION else "Application"
        root = authority.certificate.public_bytes(Encoding.PEM)
        msp = msp_config_pb2.MSPConfig(
            config=msp_config_pb2.FabricMSPConfig(name=msp_id, root_certs=[root]).SerializeToString()
        )
        config.channel_group.groups[side].groups[msp_id].values["MSP"].value = msp.SerializeToString()
    created = Timestamp()
    created.GetCurrentTime()
    header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.CONFIG, channel_id=channel, timestamp=created)
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString()),
        data=configtx_pb2.ConfigEnvelope(config=config).SerializeToString(),
    )
    envelope = common_pb2.Envelope(payload=payload.SerializeToString())
    return build_block(0, b"", [envelope.SerializeToString()], [VALID])


def channel_of(genesis: common_pb2.Block) -> str:
    """The channel that a block 0 belongs to."""
    return read_serialized(genesis.data.data[0]).channel
