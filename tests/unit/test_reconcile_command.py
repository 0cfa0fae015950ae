"""What `streams reconcile` says at the end, to people and to scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import typer

from streams.cli import reconcile as command
from streams.operations.reconcile.findings import Report, Window
from streams.operations.reconcile.kinds import Kind, Remedy
from streams.operations.reconcile.notebook import Notebook
from streams.operations.reconcile.run import LEDGER_AWAY, Reconciliation
from streams.settings.reconcile import ReconcileSettings

NOW = datetime.now(UTC)


def ended(monkeypatch: pytest.MonkeyPatch, counts: dict[Kind, int], not_judged: dict[str, int]) -> int:
    """The exit code after a run that reports so."""
    report = Report(
        window=Window(since=NOW, until=NOW),
        counts=dict.fromkeys(Kind, 0) | counts,
        remedies=dict.fromkeys(Remedy, 0),
        not_judged=not_judged,
        rows=9,
        transactions=0,
    )

    async def run(_: Notebook) -> Report:
        return report

    settings = SimpleNamespace(reconcile=ReconcileSettings(), fabric=SimpleNamespace(settle_s=300))
    monkeypatch.setattr(command, "load_here", lambda _: settings)
    monkeypatch.setattr(Reconciliation, "of", lambda *_, **__: SimpleNamespace(run=run))
    try:
        command.reconcile()
    except typer.Exit as error:
        return error.exit_code
    return 0


@pytest.mark.parametrize(
    ("counts", "not_judged", "code"),
    [
        ({}, {}, 0),
        ({Kind.ROW_PUT_BACK: 1}, {}, 1),
        ({Kind.ROW_PUT_BACK: 1}, {LEDGER_AWAY: 9}, 1),
        ({}, {LEDGER_AWAY: 9}, 3),
    ],
)
def test_the_exit_code_tells_agreement_from_findings_and_from_what_nobody_could_tell(
    monkeypatch: pytest.MonkeyPatch, counts: dict[Kind, int], not_judged: dict[str, int], code: int
) -> None:
    assert ended(monkeypatch, counts, not_judged) == code


def test_it_never_says_that_everything_agrees_when_the_ledger_was_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(monkeypatch, {}, {LEDGER_AWAY: 9})
    said = capsys.readouterr().out
    assert "not judged: 9 (the ledger could not be asked)" in said
    assert "Everything agrees" not in said
    ended(monkeypatch, {}, {})
    assert "Everything agrees." in capsys.readouterr().out
