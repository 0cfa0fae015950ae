"""`streams dead-letters edit`: another payload for a command, checked, shown, asked for, and on record."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.dead_letters import Name, find
from streams.cli.output import stdout
from streams.cli.where import load_here
from streams.errors import PipelineError
from streams.messages import RoutedCommand
from streams.operations.audit import Writer, acting, new_action
from streams.operations.letters import edit as editing
from streams.operations.letters.desk import Desk
from streams.operations.letters.watch import Watch
from streams.settings import ToolSettings


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command()(edit)


def edit(
    letter: Name,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    payload: Annotated[Path | None, typer.Option(help="A file with the new payload; default: $EDITOR opens.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check it and show what would change.")] = False,
) -> None:
    """Replace the payload of a command that failed or is parked: a new revision, with transaction ids of its own.

    Refused unless the ledger shows that no earlier revision is or can become VALID.

    Example: streams dead-letters edit 3f0c1f5e-6a0e-4a8b-8a8f-0c6d2b7e1a01 --payload new.json --reason "ticket 7"
    """
    settings = load_here(ToolSettings)
    desk = Desk.of(settings)
    watch = Watch.begin(desk.bootstrap_servers, desk.routes.identities)
    made = _draft(desk, letter)
    watch.follow([made.event.command.command_id])
    text = edited(made.event.command.payload, payload)
    command = editing.revised(made, text, desk.routes)
    for line in _difference(made, text, command):
        stdout.print(line, markup=False, soft_wrap=True)

    async def run() -> None:
        async with desk.ledgers() as ledgers:
            said = await editing.objection(ledgers, made, command, settings.fabric.settle_s)
            if said is not None:
                raise PipelineError(f"{command.command_id} cannot be edited: {said}")
            if dry_run or not (yes or typer.confirm(f"Submit this as revision {command.revision}?", err=True)):
                return
            flags = {"command_id": command.command_id, "revision": str(command.revision)}
            flags |= {"letter": str(made.found.address.offset), "payload_sha256": editing.digest(text)}
            action = new_action("edit", by=acting(settings.operator), flags=flags, counts={"edit": 1}, reason=reason)
            Writer(desk.bootstrap_servers).record(action)
            await editing.publish(watch, ledgers, made, command, action, settings.fabric.settle_s)
            stdout.print(f"It is with its worker; follow it with: streams trace {command.command_id}", soft_wrap=True)

    asyncio.run(run())


def _draft(desk: Desk, letter: str) -> editing.Draft:
    """Raises PipelineError if it may not be edited."""
    found = find(desk, letter)
    row = desk.row(found.letter.command_id) if found.letter.command_id is not None else None
    made = editing.draft(found, row, desk.profile.columns, desk.routes)
    said = editing.told(desk.bootstrap_servers, made, desk.routes.identities)
    if said is not None:
        raise PipelineError(f"{made.event.command.command_id} cannot be edited: {said}")
    return made


def edited(before: str, file: Path | None) -> str:
    """The new payload: what is in the file, or what becomes of the old one in an editor.

    Raises PipelineError if nothing becomes of it, typer.BadParameter if the file cannot be read.
    """
    if file is not None:
        try:
            return file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{file}: {error}", param_hint="--payload") from error
    after = _in_editor(_indented(before))
    if _indented(after) == _indented(before):
        raise PipelineError("the payload was not changed; nothing is done")
    return after


def _in_editor(text: str) -> str:
    """What $VISUAL or $EDITOR makes of it, in a file that only its owner reads. Raises PipelineError."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="streams-edit-") as folder:
        file = Path(folder) / "payload.json"
        file.write_text(text)
        try:
            ended = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
        except OSError as error:
            raise PipelineError(f"the editor {editor} cannot be started ({error.strerror}); set EDITOR") from error
        if ended:
            raise PipelineError(f"the editor {editor} ended with code {ended}; nothing is done")
        return file.read_text()


def _indented(text: str) -> str:
    """For people; as it is, if it is not JSON."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    except ValueError:
        return text


def _difference(made: editing.Draft, text: str, command: RoutedCommand) -> Iterator[str]:
    """Of the payload, and of the call if there was one: what an operator changed in the row shows there."""
    before = _indented(made.event.command.payload).splitlines()
    yield from difflib.unified_diff(before, _indented(text).splitlines(), "payload", "edited payload", lineterm="")
    if made.last is not None:
        names = (f"call of revision {made.last.revision}", f"call of revision {command.revision}")
        one, other = ([call.transaction_name, *call.arguments] for call in (made.last, command))
        yield from difflib.unified_diff(one, other, *names, lineterm="")
