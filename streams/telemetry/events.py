"""The closed set of log events, and how a log line looks.

A line is one JSON object with `event`, `level`, `time` and, where they apply, `command_id`, `identity`, `stage`,
`worker`. Payloads and arguments are never logged. A healthy hour is nearly silent.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Any

import structlog

_LOGGER = "streams.events"


class Event(StrEnum):
    """Every event name that a log line may have."""

    WORKER_STARTED = "worker started"
    WORKER_STOPPED = "worker stopped"
    PARTITIONS_GIVEN_BACK = "partitions given back"
    COMMAND_REFUSED = "command refused before it was sent"
    COMMAND_FAILED = "command failed"
    COMMAND_RETRIED = "command is tried again"
    COMMAND_HELD_BACK = "command waits behind a parked one"
    COMMAND_PARKED = "command parked by a bug"
    BREAKER_OPEN = "breaker open"
    BREAKER_CLOSED = "breaker closed"
    DEAD_LETTERS_SPENT = "too many dead letters, intake stops"
    LAG_NOT_KNOWN = "lag could not be asked"
    MESSAGE_UNREADABLE = "message unreadable"
    POSTGRES_UNAVAILABLE = "postgres unavailable"
    CERTIFICATE_RENEWED = "certificate renewed"
    CERTIFICATE_REFUSED = "new certificate refused"
    CERTIFICATE_NOT_KEPT = "certificate in use not noted in the wallet"
    GATEWAY_CHANGED = "gateway changed"
    FOLLOWING_FAILED = "following the blocks, the height or the wallet failed and is begun again"
    COMMIT_STREAM_INTERRUPTED = "commit stream interrupted"
    NEWS_NOT_SENT = "news of a command could not be sent"
    ROW_CONTRADICTS = "the row's final status contradicts the outcome"
    ROW_MISSING = "no row for this outcome"
    OUTCOME_UNSTORABLE = "outcome cannot be written into its row"
    SOURCE_LOST = "a source of the monitor is away"
    SOURCE_BACK = "a source of the monitor is back"
    TRACING_OFF = "no spans are made"
    LIBRARY = "library"


def configure_logging(level: int = logging.INFO, **always: Any) -> None:
    """JSON lines on standard error; `always` is part of every line. Libraries speak from WARNING up."""

    def add_always(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        # Not bound to the context: threads of the libraries have contexts of their own.
        return {**always, **event}

    processors: list[structlog.typing.Processor] = [
        add_always,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*processors, _from_library],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Without the local variables: they hold payloads and arguments.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger(_LOGGER).setLevel(level)


def _from_library(_: Any, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A library's free text is not an event name of ours: it goes into `message`."""
    record = event.get("_record")
    event["message"], event["event"] = event["event"], Event.LIBRARY
    event["logger"] = record.name if record is not None else name
    return event


def logger() -> structlog.typing.FilteringBoundLogger:
    """The process's logger; the first argument of each call is an Event."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(_LOGGER)
    return log
