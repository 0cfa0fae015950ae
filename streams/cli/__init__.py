"""The command line `streams`. Thin: parses, calls, prints. One module per command group."""

from __future__ import annotations

import sys
import tempfile
import traceback

import typer

from streams.cli import (
    chaos,
    dead_letters,
    demo,
    drill,
    lanes,
    letter_actions,
    letter_edit,
    line,
    monitor,
    reconcile,
    replay,
    routes,
    simulator,
    stack,
    top,
    workers,
)
from streams.cli.output import stderr
from streams.errors import PipelineError, SettingsInvalid

FAILURE, WRONG_CALL, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="streams",
    help="Carries commands from a Postgres outbox to Hyperledger Fabric.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
stack.add_to(app)
top.add_to(app)
demo.add_to(app)
chaos.add_to(app)
drill.add_to(app)
line.add_to(app)
reconcile.add_to(app)
replay.add_to(app)
workers.add_to(app)
monitor.add_to(app)
routes.add_to(app)
lanes.add_to(app)
dead_letters.add_to(app)
letter_actions.add_to(dead_letters.dead_letters)
letter_edit.add_to(dead_letters.dead_letters)
simulator.add_to(app)


def main() -> None:
    """Run the command line; every failure is one clear message and an exit code, never a traceback."""
    try:
        app()  # exits by itself: 0, 2 for a wrong call, or the code of typer.Exit
    except SettingsInvalid as error:
        sys.exit(_complain(str(error), WRONG_CALL))
    except PipelineError as error:
        sys.exit(_complain(str(error), FAILURE))
    except KeyboardInterrupt:
        sys.exit(_complain("interrupted", INTERRUPTED))
    except Exception as error:
        sys.exit(_complain(_unexpected(error), FAILURE))


def _complain(text: str, code: int) -> int:
    for text_line in text.splitlines():
        stderr.print(f"streams: {text_line}", style="red", markup=False, soft_wrap=True)
    return code


def _unexpected(error: Exception) -> str:
    """A neighbour's failure in one line; the traceback goes into a file, for a bug report."""
    first = (str(error).strip().splitlines() or ["no message"])[0]
    with tempfile.NamedTemporaryFile("w", prefix="streams-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    return f"{first} ({type(error).__module__}.{type(error).__name__}; details in {file.name})"
