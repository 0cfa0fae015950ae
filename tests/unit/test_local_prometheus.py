"""Where Prometheus comes from: PATH, then the folder, then apt; and what is said when it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import StackFailed
from streams.local.prometheus import PROMTOOL, SERVER, install_prometheus, main


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_programs_on_the_path_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {name: program(tmp_path / "bin" / name) for name in (SERVER, PROMTOOL)}
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert install_prometheus(tmp_path / "folder") == expected


def test_programs_that_were_fetched_before_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {name: program(tmp_path / "usr" / "bin" / name) for name in (SERVER, PROMTOOL)}
    monkeypatch.setenv("PATH", "")
    assert install_prometheus(tmp_path) == expected


def test_a_machine_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackFailed, match="nor apt-get are on PATH"):
        install_prometheus(tmp_path / "folder")


def test_a_download_that_fails_says_what_apt_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "apt-get", "echo E: no such package >&2; exit 100")
    program(tmp_path / "bin" / "dpkg-deb")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(StackFailed, match="E: no such package"):
        install_prometheus(tmp_path / "home" / "folder")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_wrong_call_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")
