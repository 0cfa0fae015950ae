"""A plan as a file: what goes in comes out, in the order of the records; only what is to be published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.errors import PipelineError
from streams.operations.replay.plan import Entry
from streams.operations.replay.plan_file import Plan, PlanFile
from streams.operations.replay.verdicts import Verdict

ENTRY = Entry(
    command_id="c-1",
    command_type="MINT",
    tenant_id="default",
    identity="org1-admin",
    revision=0,
    verdict=Verdict.NEVER_SUBMITTED,
    cause="",
    topic="commands.org1-admin",
    partition=1,
    offset=5,
    outcome=None,
)
OTHERS = [
    replace(ENTRY, command_id="c-2", offset=3, verdict=Verdict.IN_DOUBT, outcome="submitted at results[0]@1"),
    replace(ENTRY, command_id="c-3", partition=0, offset=9, verdict=Verdict.FAILED_CURABLE),
    replace(ENTRY, command_id="c-4", offset=1, verdict=Verdict.COMMITTED),
]


def written(folder: Path, *, include_failed: bool = False) -> Path:
    file = PlanFile(folder / "plan.jsonl")
    with file:
        for entry in (ENTRY, *OTHERS):
            file.write(entry)
    file.finish(by="somebody", flags={"type": "MINT"}, include_failed=include_failed, results_end={0: 7})
    return file.file


def test_what_is_published_comes_in_the_order_of_the_records(tmp_path: Path) -> None:
    with Plan(written(tmp_path)) as plan:
        assert plan.slice(0, 10) == [OTHERS[0], ENTRY]
        assert plan.slice(1, 10) == [ENTRY]
        assert (len(plan), plan.place("c-2"), plan.place("c-1"), plan.place("c-3")) == (2, 0, 1, None)


def test_what_failed_is_published_only_if_the_plan_was_made_so(tmp_path: Path) -> None:
    with Plan(written(tmp_path, include_failed=True)) as plan:
        assert [entry.command_id for entry in plan.slice(0, 10)] == ["c-3", "c-2", "c-1"]


def test_the_head_says_what_the_plan_was_made_of(tmp_path: Path) -> None:
    with Plan(written(tmp_path)) as plan:
        head = plan.head
    assert (head.by, head.flags, head.results_end) == ("somebody", {"type": "MINT"}, {0: 7})
    assert head.counts == {verdict.value: 1 for verdict in (Verdict.NEVER_SUBMITTED, *(e.verdict for e in OTHERS))}
    assert [file.name for file in tmp_path.iterdir()] == ["plan.jsonl"]


def test_a_plan_is_stale_after_an_hour(tmp_path: Path) -> None:
    with Plan(written(tmp_path)) as plan:
        assert not plan.is_stale(datetime.now(UTC))
        assert plan.is_stale(datetime.now(UTC) + timedelta(minutes=61))


@pytest.mark.parametrize("text", ["", "{}", '{"plan": 2}', "no JSON", "[]"])
def test_what_is_no_plan_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text(text)
    with pytest.raises(PipelineError, match=r"other\.jsonl: is no plan"):
        Plan(file)


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="cannot be read"):
        Plan(tmp_path / "none.jsonl")
