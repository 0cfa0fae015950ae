"""What the ledger client notices on its own, as log lines."""

from __future__ import annotations

from streams.telemetry import Event, logger


def stream_interrupted(cause: str) -> None:
    """The stream of blocks broke off; it is opened again."""
    logger().warning(Event.COMMIT_STREAM_INTERRUPTED, cause=cause)


def certificate_or_gateway(event: Event, cause: str) -> None:
    """A certificate was renewed or refused, or another gateway is used."""
    match event:
        case Event.CERTIFICATE_RENEWED:
            logger().info(Event.CERTIFICATE_RENEWED, cause=cause)
        case Event.CERTIFICATE_REFUSED:
            logger().error(Event.CERTIFICATE_REFUSED, cause=cause)
        case Event.CERTIFICATE_NOT_KEPT:
            logger().warning(Event.CERTIFICATE_NOT_KEPT, cause=cause)
        case _:
            logger().warning(Event.GATEWAY_CHANGED, cause=cause)
