"""The pages say what is so: links, paths, commands, targets, settings, layers, generated references."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import DECISIONS, PAGES, ROOT, Page
from typer.testing import CliRunner

from docs.configuration import PROCESSES
from streams.cli import app
from streams.demo.script import Script
from streams.local.jar_lock import read_lock
from streams.local.ledgers import LedgerOptions
from streams.settings import PREFIX, Settings, SubmitSettings, variables

EVERY_PAGE = pytest.mark.parametrize("page", [Page(file) for file in PAGES], ids=lambda page: str(page.file.name))
MADE_AT_RUN_TIME = (".local", ".venv")
FILE = re.compile(r"[\w.-]+(/[\w.-]+)+\.(py|sql|toml|json|avsc|md|properties|lock)")


@EVERY_PAGE
def test_every_link_leads_to_a_file_and_a_heading(page: Page) -> None:
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = page.file.parent / path if path else page.file
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors, link


@EVERY_PAGE
def test_every_path_that_is_named_exists(page: Page) -> None:
    top_level = {path.name for path in ROOT.iterdir()}
    for span in page.spans:
        if FILE.fullmatch(span) or (re.fullmatch(r"[\w./-]+/[\w./-]*", span) and span.split("/")[0] in top_level):
            assert span.startswith(MADE_AT_RUN_TIME) or (ROOT / span).exists(), span


@EVERY_PAGE
def test_every_file_given_to_a_command_exists(page: Page) -> None:
    for arguments in [*page.calls("streams"), *page.mentions("streams")]:
        for argument in arguments:
            is_there = argument.startswith(MADE_AT_RUN_TIME) or (ROOT / argument).is_file()
            assert is_there or not FILE.fullmatch(argument), argument


@EVERY_PAGE
def test_every_call_of_streams_is_one_that_it_understands(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for arguments in page.calls("streams"):
        command, name, rest = find(arguments)
        command.make_context(name, rest)
    for arguments in page.mentions("streams"):
        command, name, rest = find(arguments)
        if rest:
            command.make_context(name, rest)


@EVERY_PAGE
def test_every_target_of_make_exists(page: Page) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[0] for words in [*page.calls("make"), *page.mentions("make")] if words}
    assert named <= targets


@EVERY_PAGE
def test_every_setting_that_is_named_is_known(page: Page) -> None:
    known = [name for name, _, _ in variables()]
    for name in re.findall(rf"\b{PREFIX}[A-Z_]*", page.text):
        is_known = any(other.startswith(name) for other in known) if name.endswith("_") else name in known
        assert is_known, name


@pytest.mark.parametrize("file", DECISIONS, ids=lambda file: str(file.name))
def test_a_decision_has_context_decision_and_consequences(file: Path) -> None:
    title, *sections = Page(file).headings
    assert title.startswith(f"{int(file.name[:4])}. ")
    assert sections == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_readme_leads_to_every_page() -> None:
    found, to_follow = set[Path](), {ROOT / "README.md"}
    while to_follow:
        page = to_follow.pop()
        found.add(page)
        linked = {(page.parent / link.partition("#")[0]).resolve() for link in Page(page).links}
        to_follow |= {link for link in linked if link.suffix == ".md"} - found
    assert set((ROOT / "docs").rglob("*.md")) <= found


def test_the_generated_pages_are_up_to_date() -> None:
    check = generate("--check")
    assert check.returncode == 0, check.stderr


def test_every_kind_of_settings_is_on_the_generated_page() -> None:
    assert set(PROCESSES.values()) == set(Settings.__subclasses__())
    assert PROCESSES["worker submit"] is SubmitSettings


def test_no_comparison_is_begun_without_a_real_network(tmp_path: Path) -> None:
    """What pytest would print were it started is not there."""
    nowhere = {**os.environ, "FABRIC_BIN": str(tmp_path), "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-m", "docs.conformance"], cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    [complaint] = ran.stderr.splitlines()
    assert complaint.startswith("docs.conformance: --ledger native needs peer, orderer, ")
    assert f"neither in FABRIC_BIN ({tmp_path}) nor on PATH" in complaint


def test_the_architecture_names_the_layers_that_are_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = re.findall(r"^\| (`streams/.+?`) \|", Page(ROOT / "docs" / "architecture.md").text, re.MULTILINE)
    told = [{Path(name).stem for name in re.findall(r"`streams/(.+?)`", row)} for row in rows if ".md" not in row]
    assert told == [{name.strip() for name in layer.split(":")} for layer in layers]


def test_the_readme_shows_the_demo_that_runs() -> None:
    text = Page(ROOT / "README.md").text
    script = Script()
    script.results = {
        "loan": {"loanId": ""},
        "proposal": {"proposalId": ""},
        "first payment": {"pendingTxId": ""},
        "second payment": {"pendingTxId": ""},
    }
    sent = [planned for title, phase in script.phases() for planned in phase()]
    types = {planned.command_type for planned in sent}
    bad = [planned for planned in sent if planned.error_code]
    assert f"sends {len(sent)} commands of {len(types)} types through it, five of them bad" in text
    assert len(bad) == 5
    assert all(planned.case in text and planned.error_code in text for planned in bad if planned.error_code)


def test_the_readme_says_how_much_is_downloaded() -> None:
    jars = read_lock()
    size_mb = sum(jar.size for jar in jars) / 1e6
    assert f"({len(jars)} files, {size_mb:.0f} MB" in Page(ROOT / "README.md").text


def find(arguments: list[str]) -> tuple[Any, str, list[str]]:
    """The command that is called, its full name, and its own arguments; its `--help` must work."""
    command: Any = typer.main.get_command(app)
    name, rest = ["streams"], list(arguments)
    children: dict[str, Any] = command.commands
    while children and rest and not rest[0].startswith("-"):
        assert rest[0] in children, f"{' '.join(name)} has no command {rest[0]}"
        name.append(rest[0])
        command = children[rest.pop(0)]
        children = getattr(command, "commands", {})
    shown = CliRunner().invoke(app, [*name[1:], "--help"])
    assert shown.exit_code == 0, name
    return command, " ".join(name), [] if rest == ["--help"] else rest


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "docs.generate", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_readme_tells_how_often_the_local_line_cuts_blocks() -> None:
    assert f"have blocks cut every {LedgerOptions().block_interval_s:g} s" in Page(ROOT / "README.md").text
