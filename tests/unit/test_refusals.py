"""The table of what refusals mean: the shipped one, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import RefusalsInvalid
from streams.files import SCHEMAS
from streams.refusals import Refusals, load_refusals
from streams.retry import Meaning

ENTRY = '[[refusals]]\npattern = \'a b\'\nmeaning = "wait"\nwhy = "so"\n'


@pytest.fixture(scope="module")
def shipped() -> Refusals:
    return load_refusals(SCHEMAS / "refusals.toml")


def complaints(tmp_path: Path, text: str | bytes) -> list[str]:
    file = tmp_path / "refusals.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RefusalsInvalid) as refusal:
        load_refusals(file)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    return [line.removeprefix(f"{file}: ") for line in lines]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("system is paused: incident 7", Meaning.WAIT),
        ("system is paused: two\nlines", Meaning.WAIT),
        ("fund transfer failed: system is paused: incident 7", Meaning.WAIT),
        ("execution failed: sender validation failed: system is paused: incident 7", Meaning.WAIT),
        ("GET_STATE failed: transaction ID: 5e: connection reset", Meaning.RETRY),
        ("failed to read from world state: time-out", Meaning.RETRY),
        ("INVOKE_CHAINCODE failed: transaction ID: 5e: txid: 5e(gxchannel) exists", Meaning.REFUSE),
        ("insufficient funds: account a holds 1, needs 2", Meaning.REFUSE),
        ("authorization failed: client 'x' does not have the required role 'gx_admin'", Meaning.REFUSE),
        ("country XX is not registered in the system", Meaning.REFUSE),
        ("something that nobody has seen yet", Meaning.REFUSE),
        ("", Meaning.REFUSE),
    ],
)
def test_a_refusal_has_its_meaning(shipped: Refusals, text: str, meaning: Meaning) -> None:
    assert shipped.meaning(text) is meaning


@pytest.mark.parametrize("text", ["system is paused", "GET_STATE failed: transaction ID: 1: no"])
def test_what_a_user_wrote_cannot_hold_or_repeat_a_command(shipped: Refusals, text: str) -> None:
    assert shipped.meaning(f"the user {text} already exists") is Meaning.REFUSE
    assert shipped.meaning(f"balance for account {text} not found") is Meaning.REFUSE


def test_only_anchored_patterns_of_the_shipped_table_keep_a_command_from_failing(shipped: Refusals) -> None:
    lasting = [one for one in shipped.entries if one.meaning is not Meaning.REFUSE]
    assert lasting
    assert all(one.pattern.pattern.startswith(r"\A") for one in lasting)


def test_the_first_entry_that_fits_counts(tmp_path: Path) -> None:
    file = tmp_path / "refusals.toml"
    file.write_text(ENTRY + ENTRY.replace("a b", "a").replace("wait", "retry"))
    refusals = load_refusals(file)
    assert [refusals.meaning(text) for text in ("a b", "a", "b")] == [Meaning.WAIT, Meaning.RETRY, Meaning.REFUSE]


def test_an_empty_table_refuses_everything(tmp_path: Path) -> None:
    file = tmp_path / "refusals.toml"
    file.touch()
    assert load_refusals(file).meaning("system is paused: x") is Meaning.REFUSE


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"\xff", "is not UTF-8 at byte 0: save it as UTF-8"),
        ("refusals = 1", "holds something else than entries: begin each one with [[refusals]]"),
        (ENTRY + "[other]\n", "holds something else than entries: begin each one with [[refusals]]"),
        ("refusals = [1]", "entry 1: is not a table: begin it with [[refusals]]"),
        (ENTRY + 'id = "x"', 'entry 1 (a b): unknown key "id": use pattern, meaning, why'),
        (ENTRY.replace("why", "#"), "entry 1 (a b): why is missing or empty: write why = some text"),
        (
            ENTRY + ENTRY.replace("wait", "hold"),
            'entry 2 (a b): meaning = "hold" is not known: use one of "refuse", "wait", "retry"',
        ),
        (ENTRY.replace("'a b'", "''"), "entry 1: pattern is missing or empty: write pattern = some text"),
    ],
)
def test_a_wrong_table_is_refused_with_the_entry_and_what_to_do(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    assert complaints(tmp_path, text) == [complaint]


def test_a_pattern_that_is_none_is_named(tmp_path: Path) -> None:
    (complaint,) = complaints(tmp_path, ENTRY.replace("a b", "a("))
    assert complaint.startswith("entry 1 (a(): pattern is not a regular expression (missing )")


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    assert len(complaints(tmp_path, ENTRY.replace("why", "reason") + ENTRY.replace("wait", "x"))) == 3


def test_a_missing_file_or_broken_toml_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusalsInvalid, match="cannot be read"):
        load_refusals(tmp_path / "none.toml")
    assert complaints(tmp_path, "[[refusals]")[0].startswith("is not valid TOML: ")
