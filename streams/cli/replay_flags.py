"""The flags of `streams replay`; those that kafka-consumer-groups has too mean the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="T[:P,..]", help="commands.<identity>, or the topic of change events; repeatable."),
]
ToDatetime = Annotated[
    str | None, typer.Option(metavar="TIME", help="Start: 2026-09-01T12:30:00.000, UTC unless it has a zone.")
]
ByDuration = Annotated[str | None, typer.Option(metavar="PnDTnHnMnS", help="Start: so long ago.")]
ToOffset = Annotated[int | None, typer.Option(min=0, help="Start: this offset of each partition.")]
UntilDatetime = Annotated[str | None, typer.Option(metavar="TIME", help="End, not included; default: now.")]
UntilOffset = Annotated[int | None, typer.Option(min=0, help="End: this offset of each partition, not included.")]
CommandIds = Annotated[list[str] | None, typer.Option("--command-id", metavar="ID", help="Only this; repeatable.")]
Types = Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Only this type; repeatable.")]
Tenants = Annotated[list[str] | None, typer.Option("--tenant", metavar="TENANT", help="Only this; repeatable.")]
Identities = Annotated[list[str] | None, typer.Option("--identity", metavar="NAME", help="Only this; repeatable.")]
Statuses = Annotated[list[str] | None, typer.Option("--status", help="Only rows with this status; repeatable.")]
FromLsn = Annotated[str | None, typer.Option(metavar="LSN", help="Only what was captured from there on: 16/B374D848.")]
IncludeFailed = Annotated[
    bool, typer.Option("--include-failed", help="Try again what FAILED for a cause that may have been cured.")
]
Proof = Annotated[bool, typer.Option("--ask-all", help="Ask the ledger also where an outcome says COMMITTED.")]
FromTable = Annotated[
    bool,
    typer.Option("--from-table", help="Rows without an event: have Debezium emit them by a blocking snapshot."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Export = Annotated[Path | None, typer.Option(metavar="FILE", help="Keep the plan: one line of JSON per record.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only plan; the default.")]
Execute = Annotated[bool, typer.Option("--execute", help="Publish what the plan says.")]
PlanPath = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="A plan made with --export, not older than an hour.")
]
Rate = Annotated[float | None, typer.Option(min=0.1, metavar="N", help="Publish at most so many commands a second.")]
Share = Annotated[str, typer.Option(metavar="N%", help="How much of the window replayed commands may take.")]
Max = Annotated[int | None, typer.Option("--max", min=1, metavar="N", help="Publish the first N commands only.")]
YesReplay = Annotated[
    int | None, typer.Option("--yes-replay", metavar="N", help="Confirms that N commands are published, for scripts.")
]
