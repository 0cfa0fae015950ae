"""A routes file is understood completely or refused with file, entry and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.errors import RoutesInvalid
from streams.files import SCHEMAS
from streams.routes.description import describe
from streams.routes.table import load_routes

IDENTITIES = '[identities]\nadmin = "gx_admin"\npartner = "gx_partner_api"\n'
MINT = """\
[commands.MINT]
identity = "admin"
contract = "Tokens"
function = "Mint"
arguments = [{path = "to", as="raw"}]
"""


def written(folder: Path, text: str, name: str = "routes.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RoutesInvalid) as raised:
        load_routes(path)
    return str(raised.value)


def test_a_file_that_extends_another_changes_single_fields(tmp_path: Path) -> None:
    written(tmp_path, IDENTITIES + MINT)
    path = written(tmp_path, 'extends = "routes.toml"\n[commands.MINT]\nidentity = "partner"\n', "own.toml")
    route = load_routes(path).routes["MINT"]
    assert (route.identity, route.transaction_name, route.enabled) == ("partner", "Tokens:Mint", True)


def test_a_file_may_extend_one_that_extends_another_and_add_types_and_identities(tmp_path: Path) -> None:
    written(tmp_path, IDENTITIES + MINT)
    written(tmp_path, 'extends = "routes.toml"\n[identities]\nauditor = "gx_auditor"\n', "middle.toml")
    burn = MINT.replace("MINT", "BURN").replace('"admin"', '"auditor"')
    routes = load_routes(written(tmp_path, f'extends = "middle.toml"\n{burn}', "own.toml"))
    assert list(routes.routes) == ["MINT", "BURN"]
    assert routes.identities["auditor"] == "gx_auditor"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[identities", r"is not valid TOML: Expected"),
        (IDENTITIES + MINT + MINT, r"\[commands\.MINT\] is declared twice \(at line 9.*\): keep one entry per command"),
        (IDENTITIES + MINT + 'function = "Burn"\n', r"is not valid TOML: .*overwrite a value"),
        (IDENTITIES + MINT + "[comands.X]\n", r'unknown key "comands": did you mean "commands"\?'),
        (MINT, r"\[identities\] is missing or empty: write one line"),
        (IDENTITIES, r"there is no route: write at least one"),
        ("commands = 1\n" + IDENTITIES, r"commands must be a table: write \[commands\]"),
        (IDENTITIES + "[commands]\nMINT = 1\n", r"commands.MINT must be a table: write \[commands.MINT\]"),
        ("extends = 1\n", r"extends must be the name of a file"),
        ('extends = "gone.toml"\n', r"gone\.toml: cannot be read \(No such file or directory\): name an existing"),
        (IDENTITIES.replace('"gx_admin"', "1") + MINT, r"\[identities\]: admin must be the text of its gxc_role"),
        ('[identities]\n"a/b" = "r"\n' + MINT.replace("admin", "a/b"), r'"a/b" is part of a topic name: use only'),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    message = refusal(path)
    assert re.search(expected, message), message
    assert str(tmp_path) in message


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"admin"', '"adnim"', r'unknown identity "adnim": did you mean "admin"\?'),
        ('"admin"', '"zzz"', r'unknown identity "zzz": use one of admin, partner'),
        ('identity = "admin"\n', "", r"identity is missing: name one of \[identities\]"),
        ('contract = "Tokens"\n', "", r"contract is missing: write the contract's name"),
        ('function = "Mint"\n', "", r"function is missing: write the function's name"),
        ('"Mint"', '"Tokens:Mint"', r"function cannot be 'Tokens:Mint'"),
        ('"Tokens"', '""', r"contract cannot be ''"),
        (
            'function = "Mint"',
            'function = "Mint"\nfuction = "Mint"',
            r'unknown key "fuction": did you mean "function"\?',
        ),
        ('as="raw"', 'as="upper"', r'argument 1: unknown conversion "upper": use one of raw, str, S, json'),
        ('as="raw"', "as=1", r'argument 1: unknown conversion "1"'),
        (', as="raw"', "", r"argument 1: as is missing: use one of"),
        (', as="raw"', ', as="raw", defalt=""', r'argument 1: unknown key "defalt": did you mean "default"\?'),
        (', as="raw"', ', as="raw", default=1', r"argument 1: default must be text: put it in quotes"),
        (', as="raw"', ', as="raw", each={a="b"}', r"argument 1: each makes an array of objects: write as = \"json\""),
        (', as="raw"', ', as="json", each={a="b c"}', r"argument 1: bad path 'b c'"),
        (', as="raw"', ', as="json", each={}', r"argument 1: each must be a table of new name and path"),
        ('path = "to", ', "", r"argument 1: path is missing: name a field"),
        ('path = "to"', "path = []", r"argument 1: path is missing: name a field"),
        ('path = "to"', 'path = "a..b"', r"argument 1: bad path 'a..b': write names joined by single dots"),
        ('path = "to"', 'path = ["to", 1]', r"argument 1: bad path 1"),
        ('path = "to"', 'path = ""', r"argument 1: bad path ''"),
        ('{path = "to", as="raw"}', '{constant = "", as = "raw"}', r"argument 1: constant stands alone"),
        ('{path = "to", as="raw"}', "{constant = 1}", r"argument 1: constant must be text"),
        ('{path = "to", as="raw"}', '"to"', r"argument 1: must be a table"),
        ('arguments = [{path = "to", as="raw"}]', "", r"arguments must be an array: write arguments = \[\]"),
        ("arguments", 'ordering_key = "to"\narguments', r"ordering_key: must be an array of paths or"),
        ("arguments", 'ordering_key = [" "]\narguments', r"ordering_key: bad path ' '"),
        ("arguments", "ordering_key = {constant = 1}\narguments", r"ordering_key: must be an array of paths or"),
        ("arguments", 'ordering_key = {constant = ""}\narguments', r"ordering_key: must be an array of paths or"),
        ("arguments", 'touches = "to"\narguments', r"touches must be an array of keys, as in"),
        ("arguments", 'touches = ["to"]\narguments', r"touches 1: must be an array of paths or"),
        ("arguments", 'touches = [["to"], ["a b"]]\narguments', r"touches 2: bad path 'a b'"),
        ("arguments", "touches = [{constant = 1}]\narguments", r"touches 1: must be an array of paths or"),
        ("arguments", "touches = [[]]\narguments", r"touches 1: names no field: remove it"),
        ("arguments", 'parked = "stop"\narguments', r'parked must be "wait" or "go on"'),
        ("arguments", "parked = true\narguments", r'parked must be "wait" or "go on"'),
        ("arguments", "parked = []\narguments", r'parked must be "wait" or "go on"'),
        ("arguments", 'enabled = "no"\narguments', r"enabled must be true or false"),
    ],
)
def test_a_mistake_in_an_entry_is_refused_with_file_entry_and_what_to_do(
    tmp_path: Path, before: str, after: str, expected: str
) -> None:
    assert before in MINT
    path = written(tmp_path, IDENTITIES + MINT.replace(before, after))
    message = refusal(path)
    assert message.startswith(f"{path}: [commands.MINT]: ")
    assert re.search(expected, message), message
    assert "\n" not in message


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    burn = MINT.replace("MINT", "BURN").replace('"admin"', '"nobody"')
    message = refusal(written(tmp_path, IDENTITIES + MINT.replace('"raw"', '"x"') + burn))
    assert [line.split(": ")[1] for line in message.splitlines()] == ["[commands.MINT]", "[commands.BURN]"]


def test_a_mistake_in_a_changed_entry_names_both_files(tmp_path: Path) -> None:
    base = written(tmp_path, IDENTITIES + MINT)
    own = written(tmp_path, 'extends = "routes.toml"\n[commands.MINT]\nidentity = "nobody"\n', "own.toml")
    assert refusal(own).startswith(f"{own} over {base}: [commands.MINT]: unknown identity")


@pytest.mark.parametrize(
    ("other_extends", "way"),
    [
        ("routes.toml", "routes.toml -> other.toml -> routes.toml"),
        ("other.toml", "routes.toml -> other.toml -> other.toml"),
    ],
)
def test_files_that_extend_each_other_are_refused_with_the_way_round(
    tmp_path: Path, other_extends: str, way: str
) -> None:
    written(tmp_path, f'extends = "{other_extends}"\n', "other.toml")
    written(tmp_path, 'extends = "other.toml"\n')
    assert f"extends itself ({way}): remove one of the extends lines" in refusal(tmp_path / "routes.toml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    path.write_bytes(b'[identities]\n"\xff" = "x"\n')
    assert "is not UTF-8 at byte 14" in refusal(path)


def test_further_keys_and_what_a_parked_command_means_are_described(tmp_path: Path) -> None:
    keys = 'touches = [["to", "payee.id"], {constant = "supply"}]\nparked = "go on"\narguments'
    row = describe(load_routes(written(tmp_path, IDENTITIES + MINT.replace("arguments", keys))))[0]
    assert (row.touches, row.parked) == ('to or payee.id, "supply"', "go on")


def test_a_route_touches_nothing_else_and_waits_for_the_parked_unless_it_says_so(tmp_path: Path) -> None:
    row = describe(load_routes(written(tmp_path, IDENTITIES + MINT)))[0]
    assert (row.touches, row.parked) == ("none", "wait")


def test_a_file_that_extends_another_may_add_a_key_that_every_fee_touches(tmp_path: Path) -> None:
    fund = 'touches = [["toUserId"], { constant = "SYSTEM_OPERATIONS_FUND" }]'
    text = f'extends = "{SCHEMAS / "routes.toml"}"\n[commands.TRANSFER_TOKENS]\n{fund}\n'
    rows = {row.command_type: row for row in describe(load_routes(written(tmp_path, text)))}
    assert rows["TRANSFER_TOKENS"].touches == 'toUserId, "SYSTEM_OPERATIONS_FUND"'
    # What the shipped file tells people to write.
    assert fund in (SCHEMAS / "routes.toml").read_text()


def test_a_route_without_an_ordering_key_is_described_and_ordered_by_its_type(tmp_path: Path) -> None:
    routes = load_routes(written(tmp_path, IDENTITIES + MINT))
    assert describe(routes)[0].ordering_key == "command type"
    assert routes.routes["MINT"].ordering_key.text({"to": "a"}) is None
