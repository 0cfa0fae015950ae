"""`streams dead-letters list|show`: what could not go on, by cause or one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, TypeAlias

import typer

from streams.cli.moments import moment
from streams.cli.output import cells, print_json, stderr, stdout, table
from streams.cli.where import load_here
from streams.messages import DeadLetterKind
from streams.operations.letters.causes import Cause, causes
from streams.operations.letters.desk import Desk, named, the_one
from streams.operations.letters.letter import Letter, Wanted, all_of_them
from streams.settings import ToolSettings

dead_letters = typer.Typer(help="Commands that could not go on: look at them, deal with them.", no_args_is_help=True)

Kind: TypeAlias = Annotated[DeadLetterKind | None, typer.Option(help="Letters of this kind.")]
Type: TypeAlias = Annotated[str | None, typer.Option("--type", help="Of commands of this type.")]
Identity: TypeAlias = Annotated[str | None, typer.Option(help="Of commands of this identity.")]
Code: TypeAlias = Annotated[str | None, typer.Option(help="With this error code.")]
CommandId: TypeAlias = Annotated[str | None, typer.Option(help="Of this command.")]
Since: TypeAlias = Annotated[str, typer.Option(help="Written since: ISO 8601, or an age as 90m, 12h, 3d.")]
Name: TypeAlias = Annotated[str, typer.Argument(metavar="LETTER", help="A command id, or the offset of the letter.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]
EVER = "365d"
SHOWN = 60
"""Characters of a cause in a table."""


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(dead_letters, name="dead-letters")


@dead_letters.command("list")
def list_letters(
    kind: Kind = None,
    command_type: Type = None,
    identity: Identity = None,
    code: Code = None,
    since: Since = EVER,
    command_id: CommandId = None,
    each: Annotated[bool, typer.Option("--each", help="One line per letter instead of per cause.")] = False,
    is_any: Annotated[bool, typer.Option("--all", help="Also those that were dealt with.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the open dead letters, grouped by cause.

    Example: streams dead-letters list --kind unknown --since 12h
    """
    filters = wanted(kind, command_type, identity, code, since, command_id, is_any=is_any)
    letters = [
        found for found in read(Desk.of(load_here(ToolSettings)), filters, lambda _: False) if filters.matches(found)
    ]
    if as_json:
        print_json([summary(found) for found in letters] if each else causes(letters))
    elif not letters:
        stdout.print("No dead letters." if is_any else "No open dead letters.")
    elif each:
        _print_each(letters)
    else:
        _print_causes(causes(letters))


@dead_letters.command()
def show(letter: Name, as_json: AsJson = False) -> None:
    """Show one letter whole: cause, attempts, the original record with its payload, what was done about it.

    Example: streams dead-letters show 3f0c1f5e-6a0e-4a8b-8a8f-0c6d2b7e1a01
    """
    desk = Desk.of(load_here(ToolSettings))
    found = find(desk, letter)
    document = whole(found)
    if as_json:
        print_json(document)
        return
    for name, value in document.items():
        text = json.dumps(value, default=str, indent=2, ensure_ascii=False) if isinstance(value, dict) else value
        stdout.print(f"[bold]{name:16}[/bold] " + cells(text)[0], soft_wrap=True)


def wanted(
    kind: DeadLetterKind | None,
    command_type: str | None,
    identity: str | None,
    code: str | None,
    since: str,
    command_id: str | None,
    *,
    is_any: bool = False,
) -> Wanted:
    """The filters as they were given."""
    return Wanted(
        since=moment(since, "--since"),
        kind=kind.value if kind is not None else None,
        command_type=command_type,
        identity=identity,
        code=code,
        command_id=command_id,
        is_any=is_any,
    )


def find(desk: Desk, name: str) -> Letter:
    """The letter of this command id or at this offset. Raises PipelineError."""
    return the_one(read(desk, wanted(None, None, None, None, EVER, None), named(name)), name)


def read(desk: Desk, filters: Wanted, keeps: Callable[[Letter], bool] = all_of_them) -> list[Letter]:
    """The letters of that time, with the values that are wanted; a complaint if rows could not be asked."""

    def complain(why: str) -> None:
        text = f"rows could not be asked; letters of commands that were committed since may be among these: {why}"
        stderr.print(text, style="yellow", markup=False, soft_wrap=True)

    return desk.letters(filters.since, complain, keeps)


def summary(found: Letter) -> dict[str, Any]:
    """A letter without its record."""
    letter = found.letter
    return {
        "offset": found.address.offset,
        "kind": letter.kind,
        "code": letter.error_code,
        "command_id": letter.command_id,
        "command_type": letter.command_type,
        "identity": letter.identity,
        "cause": letter.cause,
        "happened_at": letter.happened_at,
        "row": found.status,
        "is_open": found.is_open,
        "resolution": found.resolution,
    }


def whole(found: Letter) -> dict[str, Any]:
    """Everything there is; a routed command or a JSON record as a document, anything else as text."""
    letter = found.letter
    record: Any = found.command
    if record is None:
        text = (letter.value or b"").decode(errors="backslashreplace")
        try:
            record = json.loads(text)
        except ValueError:
            record = text
    else:
        record = {field.name: getattr(record, field.name) for field in fields(record)}
    return {
        **summary(found),
        "attempts": letter.attempts,
        "transaction_ids": list(letter.transaction_ids),
        "origin": str(letter.origin),
        "worker": letter.worker,
        "first_at": letter.first_at,
        "earlier_letters": [at.offset for at in found.earlier],
        "key": (letter.key or b"").decode(errors="backslashreplace"),
        "record": record,
    }


def _print_causes(found: list[Cause]) -> None:
    made = table("letters", "kind", "code", "type", "identity", "oldest", "newest", "example", right=("letters",))
    for cause in found:
        example = f"{cause.example_command_id or cause.example_offset}: {cause.example[:SHOWN]}"
        ages = (cause.oldest.isoformat(timespec="seconds"), cause.newest.isoformat(timespec="seconds"))
        made.add_row(*cells(cause.letters, cause.kind, cause.code, cause.command_type, cause.identity, *ages, example))
    stdout.print(made)


def _print_each(letters: list[Letter]) -> None:
    made = table("offset", "command", "kind", "code", "type", "row", "when", "dealt with", right=("offset",))
    for found in letters:
        letter, done = found.letter, found.resolution
        what = f"{done.resolution} by {done.by}" if done is not None else None
        when = letter.happened_at.isoformat(timespec="seconds")
        made.add_row(
            *cells(
                *(found.address.offset, letter.command_id, letter.kind, letter.error_code),
                *(letter.command_type, found.status, when, what),
            )
        )
    stdout.print(made)
