"""Which services are at which address: the gateway's peer, the other organisation's peer, the orderer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import proposal_pb2

from streams.simulator.broadcast import Broadcast
from streams.simulator.chaincode_events import ChaincodeEvents
from streams.simulator.deliver import Deliver
from streams.simulator.endorser_service import EndorserService
from streams.simulator.faults import Rpc
from streams.simulator.gateway import Gateway
from streams.simulator.serving import Handlers

Services = Mapping[str, Mapping[str, Any]]


def peer_services(
    handlers: Handlers, endorser: EndorserService, deliver: Deliver, gateway: Gateway, events: ChaincodeEvents
) -> Services:
    """What a peer offers. Each gRPC service by its full name, with the handlers of its methods."""
    return {
        "gateway.Gateway": {
            "Endorse": handlers.gateway_call(Rpc.ENDORSE, gateway.endorse, gateway_pb2.EndorseRequest),
            "Evaluate": handlers.gateway_call(Rpc.EVALUATE, gateway.evaluate, gateway_pb2.EvaluateRequest),
            "Submit": handlers.gateway_call(Rpc.SUBMIT, gateway.submit, gateway_pb2.SubmitRequest),
            "CommitStatus": handlers.gateway_call(
                Rpc.COMMIT_STATUS, gateway.commit_status, gateway_pb2.SignedCommitStatusRequest
            ),
            "ChaincodeEvents": handlers.gateway_stream(
                Rpc.CHAINCODE_EVENTS, events.follow, gateway_pb2.SignedChaincodeEventsRequest
            ),
        },
        "protos.Deliver": {
            "Deliver": handlers.stream(deliver.blocks, common_pb2.Envelope),
            "DeliverFiltered": handlers.stream(deliver.filtered_blocks, common_pb2.Envelope),
            "DeliverWithPrivateData": handlers.stream(deliver.blocks_with_private_data, common_pb2.Envelope),
        },
        "protos.Endorser": {
            "ProcessProposal": handlers.call(Rpc.PROPOSE, endorser.process, proposal_pb2.SignedProposal)
        },
    }


def orderer_services(handlers: Handlers, broadcast: Broadcast, deliver: Deliver) -> Services:
    """What the orderer offers."""
    return {
        "orderer.AtomicBroadcast": {
            "Broadcast": handlers.stream(broadcast.answers, common_pb2.Envelope),
            "Deliver": handlers.stream(deliver.ordered_blocks, common_pb2.Envelope),
        }
    }
