"""A run as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from streams.chaos.findings import Findings
from streams.chaos.summary import Summary, summarise
from streams.chaos.timeline import timeline

_SHOWN = 10


def report(findings: Findings) -> str:
    """Markdown."""
    summary, options = summarise(findings), findings.options
    rows = findings.evidence.rows
    return "\n".join(
        [
            "# Chaos report\n",
            f"Written by `make chaos KILLS={options.kills}`: commands are inserted at {options.rate:g} a second while"
            " processes of the line are\nkilled with SIGKILL and started again or stand still for a while, the"
            " simulator misbehaves, and the database is\nlocked or cannot be written. Then a checker that shares no"
            " code with the line compares the table with the blocks.\n",
            *_table(
                ("", ""),
                [
                    ("seed", options.seed),
                    ("duration", f"{findings.lasted_s:.0f} s"),
                    ("commands", f"{len(rows)}"),
                    ("kills", f"{summary.killed.total()}, and {summary.in_vain} of what was dead already"),
                    ("stalls", sum(map(len, summary.stalled_s.values()))),
                    ("faults of the ledger", summary.faults.total()),
                    ("troubles of the database", summary.troubles.total()),
                    ("**duplicates on the ledger**", f"**{summary.duplicates}**"),
                    ("**violations**", f"**{len(findings.violations)}**"),
                ],
            ),
            *_violations(findings),
            "## Kills\n",
            "Recovery: from the kill until a command that was inserted after it is COMMITTED in its row, through all"
            " else that\nhappens meanwhile; for a submit worker, a command of its identity.\n",
            *_table(("process", "kills", "median s", "longest s"), _kills(summary)),
            "## Stalls\n",
            "SIGSTOP, and SIGCONT later; the long ones outlast the session time-outs of the consumers.\n",
            *_table(("process", "stalls", "longest s"), _stalls(summary)),
            "## Faults of the ledger\n",
            *_table(("fault", "times"), sorted(summary.faults.items())),
            "## Troubles of the database\n",
            *_table(("trouble", "times"), sorted(summary.troubles.items())),
            "## Commands by end\n",
            *_table(("command type", "COMMITTED", "FAILED", "other"), _ends(summary)),
            "## Repetitions absorbed\n",
            *_table(("what came again", "times"), summary.repeated.items()),
            "## Transactions in the blocks\n",
            *_table(("code", "transactions"), sorted(summary.codes.items())),
        ]
    )


def violations_in_words(findings: Findings) -> list[str]:
    """Each violation with the timeline of its command; of many, the first ones."""
    lines = [f"seed {findings.options.seed}: {len(findings.violations)} violations"]
    for violation in findings.violations[:_SHOWN]:
        lines += ["", str(violation)]
        if violation.command_id:
            lines += [f"  {text}" for text in timeline(findings, violation.command_id)]
    return lines


def _violations(findings: Findings) -> list[str]:
    if not findings.violations:
        return []
    return ["## Violations\n", "```text", *violations_in_words(findings), "```\n"]


def _kills(summary: Summary) -> Iterable[Sequence[object]]:
    for component, count in sorted(summary.killed.items()):
        times = summary.recovered_s.get(component)
        told = (f"{median(times):.1f}", f"{max(times):.1f}") if times else ("", "")
        yield component, count, *told


def _stalls(summary: Summary) -> Iterable[Sequence[object]]:
    for component, times in sorted(summary.stalled_s.items()):
        yield component, len(times), f"{max(times):.1f}"


def _ends(summary: Summary) -> Iterable[Sequence[object]]:
    for command_type in sorted({command_type for command_type, _ in summary.ends}):
        by_status = {status: count for (each, status), count in summary.ends.items() if each == command_type}
        committed, failed = by_status.pop("COMMITTED", 0), by_status.pop("FAILED", 0)
        yield command_type, committed, failed, sum(by_status.values())


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    head = f"| {' | '.join(columns)} |"
    return [head, f"|{' --- |' * len(columns)}", *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]
