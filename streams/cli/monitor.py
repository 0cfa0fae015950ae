"""`streams monitor`, the exporter process, and `streams lag`, the same figures at once."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Annotated

import typer
from confluent_kafka import KafkaException

from streams.cli.output import cells, print_json, stdout, table
from streams.cli.where import load_here
from streams.errors import PipelineError
from streams.kafka.group_lag import PartitionLag
from streams.monitor.watched_groups import group_lags
from streams.settings import LagSettings, MonitorSettings
from streams.telemetry import configure_logging


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(monitor)
    app.command()(lag)


def monitor() -> None:
    """Export how the line is, for Prometheus: lag, slot, connector, rows, certificates, dead letters.

    Whatever is away is missing in /metrics and named by /ready; the others are still told.

    Example: streams monitor
    """
    from streams.monitor.run import run
    from streams.monitor.sources import sources

    settings = load_here(MonitorSettings)
    configure_logging(stage="monitor")
    run(settings.monitor.listen, sources(settings))


def lag(as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Show what each consumer group has not acknowledged, by partition, in records and in seconds.

    Seconds are the age of the first record that is not acknowledged.

    Example: streams lag
    """
    settings = load_here(LagSettings)
    with closing(group_lags(settings)) as asked:
        try:
            found = asked.ask(time.time()).lags
        except KafkaException as error:
            why = error.args[0].str()
            raise PipelineError(f"Kafka at {settings.kafka.bootstrap_servers} could not be asked: {why}") from error
    if as_json:
        print_json(found)
        return
    made = table(
        "group", "topic", "partition", "committed", "end", "lag", "seconds",
        right=("partition", "committed", "end", "lag", "seconds"),
    )  # fmt: skip
    for each in found:
        made.add_row(*cells(each.group, each.topic, each.partition, *_figures(each)))
    stdout.print(made)


def _figures(lag: PartitionLag) -> tuple[str, ...]:
    committed = "-" if lag.committed is None else f"{lag.committed:,}"
    return committed, f"{lag.end_offset:,}", f"{lag.records:,}", f"{lag.seconds:,.1f}"
