"""What the processes say: log lines (events.py) and metrics (metrics.py), each from a closed set."""

from streams.telemetry.events import Event, configure_logging, logger

__all__ = ["Event", "configure_logging", "logger"]
