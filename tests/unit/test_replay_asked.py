"""Flags of `streams replay` that do not go together are refused before anything is read."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import replay_doing
from streams.cli.replay import add_to
from streams.cli.replay_asked import Asked, refuse_what_would_be_ignored
from streams.errors import SettingsInvalid

FILTERS = ["command-id", "type", "tenant", "identity", "status", "include-failed"]
RANGES = ["topic", "to-offset", "to-datetime", "by-duration", "until-offset", "until-datetime", "from-lsn"]


@pytest.mark.parametrize("flag", [*FILTERS, *RANGES, "export", "ask-all"])
def test_a_plan_that_is_made_takes_no_flag_that_would_make_another(flag: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"would ignore --{flag}: make the plan with these flags"):
        refuse_what_would_be_ignored({"execute", "plan", flag})


@pytest.mark.parametrize(
    "flag", ["topic", "to-offset", "until-offset", "from-lsn", "share", "rate", "plan", "export", "include-failed"]
)
def test_a_replay_of_the_table_takes_no_flag_of_topics(flag: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"--from-table knows no --{flag}: leave it out"):
        refuse_what_would_be_ignored({"from-table", "execute", flag})


@pytest.mark.parametrize("flag", ["rate", "share", "max", "yes-replay"])
def test_what_a_plan_does_not_keep_is_refused_when_it_is_exported(flag: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"a plan does not keep --{flag}"):
        refuse_what_would_be_ignored({"export", flag})


def test_a_plan_to_be_executed_needs_execute_and_a_dry_run_none() -> None:
    with pytest.raises(SettingsInvalid, match="without --execute a new plan is made"):
        refuse_what_would_be_ignored({"plan"})
    with pytest.raises(SettingsInvalid, match="exclude each other"):
        refuse_what_would_be_ignored({"dry-run", "execute"})


@pytest.mark.parametrize(
    "flags",
    [
        {"execute", "plan", "rate", "share", "max", "yes-replay", "json"},
        {"execute", "export", "max", "tenant", "include-failed"},
        {"from-table", "execute", "max", "status", "by-duration", "until-datetime", "yes-replay", "json"},
        {"dry-run", "rate", "tenant"},
        {"export", *FILTERS, *RANGES},
    ],
)
def test_flags_that_are_honoured_go_together(flags: set[str]) -> None:
    refuse_what_would_be_ignored(flags)


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Asked:
    """What reaches the replay of a command line."""
    reached: list[Asked] = []
    for name in ("from_topics", "from_table"):
        monkeypatch.setattr(replay_doing, name, lambda _, one: reached.append(one))
    monkeypatch.setattr("streams.cli.replay.load_here", lambda _: None)
    app = typer.Typer()
    add_to(app)
    result = CliRunner().invoke(app, ["replay", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return reached[0]


def test_every_flag_that_was_given_is_recorded_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    given = asked(monkeypatch, "--execute", "--max", "5", "--type", "MINT", "--type", "BURN", "--rate", "2.5")
    assert given.how.flags == {"execute": "True", "max": "5", "type": "MINT, BURN", "rate": "2.5"}
    assert (given.pace.most, given.pace.rate, given.pace.share) == (5, 2.5, 0.2)
    assert given.selection.types == {"MINT", "BURN"}


def test_the_number_of_rows_to_be_emitted_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    given = asked(monkeypatch, "--from-table", "--max", "7", "--status", "LOCKED")
    assert (given.is_from_table, given.pace.most, given.selection.statuses) == (True, 7, frozenset({"LOCKED"}))


def test_a_flag_that_would_be_ignored_stops_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match="would ignore --status, --tenant"):
        asked(monkeypatch, "--execute", "--plan", "p.jsonl", "--tenant", "t", "--status", "PENDING")
