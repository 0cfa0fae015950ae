"""The connection to a gateway peer: one TLS channel, shared by every call and stream."""

from __future__ import annotations

import os

import grpc
from cryptography import x509

from streams.errors import CredentialsInvalid
from streams.settings import FabricSettings

# A channel that sleeps through a restart of the gateway costs commands their commit time-out: by default gRPC
# waits up to two minutes before it dials again.
_RECONNECT = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
)
# A stream can be silent for hours. A peer allows pings a minute apart and without calls
# (internal/pkg/comm/config.go, DefaultKeepaliveOptions).
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
# A chaincode's answer, and a whole block, may exceed gRPC's 4 MB.
_NO_SIZE_LIMIT = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# A refusal's text travels in the trailers, which gRPC takes up to 16 KiB only; a chaincode that quotes a long argument
# would never be understood, and its command tried for ever.
_LONG_REFUSALS = (
    ("grpc.max_metadata_size", 64 * 1024 * 1024),
    ("grpc.absolute_max_metadata_size", 64 * 1024 * 1024),
)

# Measured with grpcio 1.85: a third of the CPU time of a call goes into handing it from thread to thread. Without its
# event engine gRPC reads in the thread that waits, and nothing here forks while a channel is open.
_FEWER_THREADS = {"GRPC_EXPERIMENTS": "-event_engine_client", "GRPC_ENABLE_FORK_SUPPORT": "0"}


def spare_threads() -> None:
    """Have gRPC hand calls over less often; takes effect before its first channel, and where nobody chose otherwise."""
    for name, value in _FEWER_THREADS.items():
        os.environ.setdefault(name, value)


def open_channel(settings: FabricSettings, address: str, authorities: bytes) -> grpc.aio.Channel:
    """A channel to the gateway at `address`; it connects with the first call."""
    options: list[tuple[str, str | int]] = [*_RECONNECT, *_KEEPALIVE, *_NO_SIZE_LIMIT, *_LONG_REFUSALS]
    if settings.server_name is not None:
        options.append(("grpc.ssl_target_name_override", settings.server_name))
    credentials = grpc.ssl_channel_credentials(authorities)
    return grpc.aio.secure_channel(address, credentials, options=options)


def read_ca_certificates(settings: FabricSettings) -> bytes:
    """The authorities that may have signed the gateways' TLS certificates, PEM. Raises CredentialsInvalid."""
    file = settings.tls_ca_file
    try:
        pem = file.read_bytes()
        x509.load_pem_x509_certificates(pem)
    except OSError as error:
        raise CredentialsInvalid(
            f"{file}: the gateway's TLS CA certificate cannot be read ({error.strerror}); put it there"
        ) from error
    except ValueError as error:
        raise CredentialsInvalid(
            f"{file}: not a PEM certificate; put the gateway's TLS CA certificate there"
        ) from error
    return pem
