"""The list of where processes answer has the form that Prometheus reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.local.targets import Job, Target, read_targets, write_targets

TARGETS = [
    Target(process="route", job=Job.ROUTE, address="127.0.0.1:15001"),
    Target(process="submit-org1-admin", job=Job.SUBMIT, address="127.0.0.1:15002", identity="org1-admin"),
]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_targets(tmp_path / "targets.json", TARGETS)
    assert read_targets(tmp_path / "targets.json") == TARGETS
    assert [file.name for file in tmp_path.iterdir()] == ["targets.json"]


def test_prometheus_finds_job_and_identity_among_the_labels(tmp_path: Path) -> None:
    write_targets(tmp_path / "targets.json", TARGETS)
    assert json.loads((tmp_path / "targets.json").read_text()) == [
        {"targets": ["127.0.0.1:15001"], "labels": {"job": "route", "process": "route"}},
        {
            "targets": ["127.0.0.1:15002"],
            "labels": {"job": "submit", "process": "submit-org1-admin", "identity": "org1-admin"},
        },
    ]


def test_where_no_line_runs_there_are_no_targets(tmp_path: Path) -> None:
    assert read_targets(tmp_path / "targets.json") == []


@pytest.mark.parametrize("text", ["", "{}x", '["a"]', '[{"targets": ["a:1"], "labels": {"job": "other"}}]'])
def test_a_file_that_is_no_list_of_targets_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "targets.json").write_text(text)
    with pytest.raises(StackFailed, match=r"targets\.json is no list of targets"):
        read_targets(tmp_path / "targets.json")
