"""Pausing partitions of a Faust worker so that nothing is lost.

Faust's own `pause_partitions` takes the partition out of a set that its fetching loop consults between two records:
those already fetched are skipped, and their position has moved. aiokafka drops what it holds of a paused partition
without moving the position (aiokafka/consumer/fetcher.py, FetchResult.check_assignment), so that is what is used.
"""

from __future__ import annotations

from typing import Any

from streams.workers.faust_app import LineApp


def pause(app: LineApp, partition: Any) -> None:
    """Fetch no more from a partition; what Faust holds of it already still comes."""
    _on_state(app, partition, "pause")


def resume(app: LineApp, partition: Any) -> None:
    """Fetch from it again."""
    _on_state(app, partition, "resume")


def unacknowledged(app: LineApp, topic: str) -> dict[Any, int]:
    """The assigned partitions of `topic`, and the offset that is committed of each (none: 0)."""
    consumer = app.consumer
    return {at: consumer._committed_offset[at] or 0 for at in consumer.assignment() if at.topic == topic}


def has_both(app: LineApp, partition: Any, topic: str) -> bool:
    """The partition of the same number of `topic` is ours too, as Faust's assignor has it for topics of one size."""
    return any(at.topic == topic and at.partition == partition.partition for at in app.consumer.assignment())


def _on_state(app: LineApp, partition: Any, change: str) -> None:
    """Change the partition's state in the thread of its consumer.

    The state belongs to this assignment: when a rebalance comes first, the change has no effect on the next one.
    """
    thread = app.consumer._thread
    assignment = thread._consumer._subscription.subscription.assignment
    state = assignment.state_value(partition) if assignment is not None else None
    if state is not None:
        thread.thread_loop.call_soon_threadsafe(getattr(state, change))
