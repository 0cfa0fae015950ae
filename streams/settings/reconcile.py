"""The settings of reconciliation."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat

from streams.settings.sections import Section


class ReconcileSettings(Section):
    """The comparison of rows, topics and ledger, by hand or every now and then."""

    every_s: PositiveFloat = Field(900.0, description="How often the monitor reconciles, seconds.")
    reader: str | None = Field(
        None,
        description="Identity as which the monitor reads the chain; it needs that one's key and `STREAMS_FABRIC__*`."
        " None: it compares rows and topics only.",
    )
    window_s: PositiveFloat = Field(
        86_400.0,
        description="How far back rows are compared unless `--since` says, seconds; the time to settle is added.",
    )
    grace_s: NonNegativeFloat = Field(
        120.0, description="What is younger is taken to be under way and is not judged, seconds."
    )
    capture_patience_s: NonNegativeFloat = Field(
        30.0,
        description="How long to wait for capture to confirm that it has passed a row without an event, seconds; the"
        " row is not judged otherwise.",
    )
