"""What the tools for dead letters ask of a person: a payload in an editor, a number for many letters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from test_letters import letter
from typer.testing import CliRunner

from streams.cli.letter_actions import TYPED_ABOVE, may_execute
from streams.cli.letter_edit import edited
from streams.errors import PipelineError
from streams.operations.letters.step import Deed, Step

BEFORE = '{"amount": 5, "toUserId": "é"}'


def editor(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """One that does to the file named $1 what the lines say."""
    script = folder / "an editor"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", f"'{script}' --wait")


def test_the_editor_is_given_the_payload_to_read_and_what_it_leaves_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    editor(tmp_path, monkeypatch, f'cp "$2" {seen}', f'ls -ld "$(dirname "$2")" > {seen}.mode', "sed -i s/5/6/ $2")
    assert json.loads(edited(BEFORE, None)) == {**json.loads(BEFORE), "amount": 6}
    assert seen.read_text() == '{\n  "amount": 5,\n  "toUserId": "é"\n}\n'
    assert Path(f"{seen}.mode").read_text().startswith("drwx------")


@pytest.mark.parametrize(("does", "problem"), [("true", "was not changed"), ("exit 3", "ended with code 3")])
def test_what_an_editor_does_not_change_or_finish_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, problem: str
) -> None:
    editor(tmp_path, monkeypatch, does)
    with pytest.raises(PipelineError, match=f"{problem}; nothing is done"):
        edited(BEFORE, None)


def test_an_editor_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/no/such/editor")
    with pytest.raises(PipelineError, match=r"/no/such/editor cannot be started .*; set EDITOR"):
        edited(BEFORE, None)


def asked(count: int, text: str) -> tuple[str, bool]:
    """What is printed, and whether it is done."""
    answers: list[bool] = []

    def call() -> None:
        steps = [Step(found=letter(number), deed=Deed.SUBMIT, why="") for number in range(count)]
        answers.append(may_execute(steps, execute=True))

    app = typer.Typer()
    app.command()(call)
    ran = CliRunner().invoke(app, [], input=text)
    return ran.output + str(ran.exception or ""), answers == [True]


def test_whoever_deals_with_many_letters_types_their_number() -> None:
    many = TYPED_ABOVE + 1
    assert asked(TYPED_ABOVE, "") == ("", True)
    output, is_done = asked(many, f"{many}\n")
    assert (f"Type {many} to deal with so many letters" in output, is_done) == (True, True)
    output, is_done = asked(many, "y\n")
    assert (f"y is not {many}; nothing is done" in output, is_done) == (True, False)
