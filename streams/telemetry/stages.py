"""How long each stage took: from the times on an outcome to durations, by stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a command, in order; `total` is the whole way from the row's creation to its final status."""

    CAPTURE = "capture"
    ROUTE = "route"
    QUEUE = "queue"
    ENDORSE = "endorse"
    SUBMIT = "submit"
    COMMIT = "commit"
    WRITE_BACK = "writeback"
    TOTAL = "total"


WRITTEN = "written"
"""When the row showed the final status; the other times are those of `streams.messages.Outcome.stages`."""

BOUNDS: Mapping[Stage, tuple[str, str]] = {
    Stage.CAPTURE: ("created", "captured"),
    Stage.ROUTE: ("captured", "routed"),
    Stage.QUEUE: ("routed", "taken"),
    Stage.ENDORSE: ("taken", "endorsed"),
    Stage.SUBMIT: ("endorsed", "submitted"),
    Stage.COMMIT: ("submitted", "committed"),
    Stage.WRITE_BACK: ("ended", WRITTEN),
    Stage.TOTAL: ("created", WRITTEN),
}
"""Each stage lies between two times; `ended` is when the final outcome was made."""

OF_ROUTE = (Stage.CAPTURE, Stage.ROUTE)
OF_SUBMIT = (Stage.QUEUE, Stage.ENDORSE, Stage.SUBMIT, Stage.COMMIT)
OF_SINK = (Stage.WRITE_BACK, Stage.TOTAL)


def durations_s(times: Mapping[str, datetime], stages: Iterable[Stage]) -> Iterator[tuple[Stage, float]]:
    """(stage, seconds) of each whose two times are known; 0 where clocks of two machines disagree."""
    for stage in stages:
        began, ended = BOUNDS[stage]
        if began in times and ended in times:
            yield stage, max(0.0, (times[ended] - times[began]).total_seconds())
