"""The gRPC server that peers connect to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from fabric_protos.peer import chaincode_shim_pb2, chaincode_shim_pb2_grpc

from streams.chaincode.reference import ReferenceChaincode
from streams.chaincode.shim.conversation import Conversation
from streams.errors import StackFailed

PEERS_AT_ONCE = 16
CALLS_AT_ONCE = 64
_GRACE_S = 0.3
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A peer pings an idle stream every minute (internal/pkg/comm/config.go); gRPC's own minimum is five.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_time_ms", 60_000),
    # Without it, a second server on the port would silently take half of the connections.
    ("grpc.so_reuseport", 0),
)


@contextlib.contextmanager
def serve(chaincode: ReferenceChaincode, package_id: str, listen: str) -> Iterator[str]:
    """Serve on `listen` (host:port; port 0 takes a free one) while the context lasts; gives the address.

    `package_id` is what the peers know the chaincode by: label and hash of the installed package. Raises StackFailed
    when the address cannot be had. No TLS: the chaincode runs beside its peers, on the loopback interface.
    """
    with ThreadPoolExecutor(CALLS_AT_ONCE, "call") as workers, ThreadPoolExecutor(PEERS_AT_ONCE, "peer") as peers:
        server = grpc.server(peers, options=_OPTIONS)
        servicer = _Chaincode(chaincode, package_id, workers)
        chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(servicer, server)
        try:
            port = server.add_insecure_port(listen)
        except RuntimeError as error:
            raise StackFailed(f"cannot listen on {listen}: the address is taken or not one of this machine") from error
        server.start()
        try:
            yield f"{listen.rpartition(':')[0]}:{port}"
        finally:
            server.stop(_GRACE_S).wait()


class _Chaincode(chaincode_shim_pb2_grpc.ChaincodeServicer):  # type: ignore[misc]
    """protos.Chaincode."""

    def __init__(self, chaincode: ReferenceChaincode, package_id: str, workers: ThreadPoolExecutor) -> None:
        self._chaincode = chaincode
        self._package_id = package_id
        self._workers = workers

    def Connect(  # noqa: N802 - gRPC's name
        self, incoming: Iterable[chaincode_shim_pb2.ChaincodeMessage], context: grpc.ServicerContext
    ) -> Iterator[chaincode_shim_pb2.ChaincodeMessage]:
        """One peer's stream, for as long as it stays."""
        conversation = Conversation(self._chaincode, self._package_id, self._workers)
        threading.Thread(target=_listen, args=(conversation, incoming), name="listener", daemon=True).start()
        yield from conversation.outgoing()


def _listen(conversation: Conversation, incoming: Iterable[chaincode_shim_pb2.ChaincodeMessage]) -> None:
    # That a stream breaks is how a peer leaves.
    with contextlib.suppress(grpc.RpcError):
        conversation.listen(incoming)
