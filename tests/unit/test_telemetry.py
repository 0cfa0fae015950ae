"""A log line is one JSON object with an event name of the closed set."""

from __future__ import annotations

import ast
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

import streams
from streams.retry import Verdict
from streams.telemetry import Event, configure_logging, logger

MODULES = sorted(Path(streams.__file__).parent.rglob("*.py"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    handlers, level, ours = logging.root.handlers[:], logging.root.level, logging.getLogger("streams").level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.getLogger("streams").setLevel(ours)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was written, all of it to standard error."""
    written = capsys.readouterr()
    assert written.out == ""
    return [json.loads(line) for line in written.err.splitlines()]


def test_a_line_is_a_json_object_with_event_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(UTC)
    configure_logging(stage="submit", identity="org1-admin")
    logger().warning(Event.COMMAND_RETRIED, command_id="c-1", verdict=Verdict.LOOK_UP)
    (line,) = lines(capsys)
    assert before <= datetime.fromisoformat(line.pop("time")) <= datetime.now(UTC)
    assert line == {
        "event": "command is tried again",
        "level": "warning",
        "stage": "submit",
        "identity": "org1-admin",
        "command_id": "c-1",
        "verdict": "look up",
    }


def test_a_text_of_several_lines_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logger().error(Event.COMMAND_FAILED, cause="one\ntwo\u2028three")
    (line,) = lines(capsys)
    assert line["cause"] == "one\ntwo\u2028three"


def test_a_value_without_a_json_form_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    logger().info(Event.WORKER_STARTED, wallet=Path("wallet"))
    (line,) = lines(capsys)
    assert line["wallet"] == "wallet"


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    try:
        raise ValueError("unforeseen")
    except ValueError:
        logger().exception(Event.COMMAND_PARKED, command_id="c-1")
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("command parked by a bug", "error")
    assert (line["exception"][0]["exc_type"], line["exception"][0]["exc_value"]) == ("ValueError", "unforeseen")


def test_a_library_speaks_from_warning_up_under_one_event_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(stage="route")
    library = logging.getLogger("aiokafka.consumer")
    library.info("joined")
    library.warning("lost %s of %d", "broker", 3)
    (line,) = lines(capsys)
    line.pop("time")
    assert line == {
        "event": "library",
        "level": "warning",
        "stage": "route",
        "logger": "aiokafka.consumer",
        "message": "lost broker of 3",
    }


def test_what_is_below_the_level_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(logging.WARNING)
    logger().info(Event.WORKER_STARTED)
    assert lines(capsys) == []
    configure_logging(logging.DEBUG)
    logger().debug(Event.COMMAND_RETRIED)
    assert len(lines(capsys)) == 1


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    configure_logging()
    logger().info(Event.WORKER_STOPPED)
    assert len(lines(capsys)) == 1


def test_no_two_events_have_one_name() -> None:
    names = [member.value for member in Event.__members__.values()]
    assert len(set(names)) == len(names)


def logged_names(module: Path) -> Iterator[ast.expr]:
    """The first argument of each `logger().<level>(...)` in a module."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="logger")), attr=level), args=[first, *_]
            ) if level != "bind":
                yield first


def is_event(name: ast.expr) -> bool:
    match name:
        case ast.Attribute(value=ast.Name(id="Event"), attr=member):
            return member in Event.__members__
    return False


def test_every_line_that_we_write_has_a_name_of_the_closed_set() -> None:
    names = [(module.name, name) for module in MODULES for name in logged_names(module)]
    assert names
    assert [(module, ast.unparse(name)) for module, name in names if not is_event(name)] == []


def test_a_traceback_holds_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()

    def carry(arguments: tuple[str, ...]) -> None:
        raise ValueError(len(arguments))

    try:
        carry(("PAYLOAD",))
    except ValueError:
        logger().exception(Event.COMMAND_PARKED)
    assert "PAYLOAD" not in capsys.readouterr().err


def test_lines_of_other_threads_hold_what_is_part_of_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(identity="org1-admin")
    thread = threading.Thread(target=lambda: logging.getLogger("grpc").warning("heard"))
    thread.start()
    thread.join()
    assert lines(capsys)[0]["identity"] == "org1-admin"
