"""ChangeEvent -> RoutedCommand: who signs a command, what it calls, with which arguments, in whose order."""

from __future__ import annotations

import difflib
from datetime import datetime
from enum import StrEnum

from streams.errors import MalformedCommand, UnroutableCommand
from streams.messages import ChangeEvent, Command, RoutedCommand
from streams.routes.arguments import Argument
from streams.routes.conversions import Refusal, kind_of
from streams.routes.javascript import Json, parse
from streams.routes.route import Route
from streams.routes.table import Routes


class RouteRefusal(StrEnum):
    """Error codes of commands without a usable route or payload; those of arguments: `conversions.RefusalCode`."""

    UNKNOWN_COMMAND_TYPE = "UNKNOWN_COMMAND_TYPE"
    ROUTE_DISABLED = "ROUTE_DISABLED"
    MALFORMED_PAYLOAD = "MALFORMED_PAYLOAD"
    COMMAND_TOO_LARGE = "COMMAND_TOO_LARGE"


def route(event: ChangeEvent, routes: Routes, *, routed_at: datetime) -> RoutedCommand:
    """ChangeEvent -> RoutedCommand. Nothing is sent for a command that is refused here.

    Raises UnroutableCommand (UNKNOWN_COMMAND_TYPE, ROUTE_DISABLED) or MalformedCommand (MALFORMED_PAYLOAD,
    MISSING_ARGUMENT, WRONG_ARGUMENT_TYPE).
    """
    command = event.command
    found = _find(command, routes)
    payload = _payload(command)
    ordering_key = found.ordering_key.text(payload) or command.command_type
    return RoutedCommand(
        command_id=command.command_id,
        tenant_id=command.tenant_id,
        command_type=command.command_type,
        request_id=command.request_id,
        identity=found.identity,
        contract=found.contract,
        function=found.function,
        arguments=tuple(_text(argument, payload, command) for argument in found.arguments),
        ordering_key=ordering_key,
        touches=_touches(found, payload, ordering_key),
        waits_for_parked=found.waits_for_parked,
        created_at=command.created_at,
        captured_at=event.captured_at,
        routed_at=routed_at,
        captured_from=event.origin,
    )


def _find(command: Command, routes: Routes) -> Route:
    found = routes.routes.get(command.command_type)
    if found is None:
        close = difflib.get_close_matches(command.command_type, routes.routes, n=1)
        raise UnroutableCommand(
            f"no route for command type {command.command_type}"
            + (f" (did you mean {close[0]}?)" if close else "")
            + f": correct the type, or add [commands.{command.command_type}] to the table of routes",
            code=RouteRefusal.UNKNOWN_COMMAND_TYPE,
            command_id=command.command_id,
        )
    if not found.enabled:
        raise UnroutableCommand(
            f"command type {command.command_type} is switched off: set enabled = true under "
            f"[commands.{command.command_type}] in the table of routes if it may be sent",
            code=RouteRefusal.ROUTE_DISABLED,
            command_id=command.command_id,
        )
    return found


def _payload(command: Command) -> dict[str, Json]:
    try:
        payload = parse(command.payload)
    except ValueError as error:
        raise _malformed(command, f"is not JSON ({error})") from error
    if not isinstance(payload, dict):
        raise _malformed(command, f"is {kind_of(payload)}")
    return payload


def _malformed(command: Command, problem: str) -> MalformedCommand:
    return MalformedCommand(
        f"the payload of {command.command_type} {problem}; write the command again with an object as its payload",
        code=RouteRefusal.MALFORMED_PAYLOAD,
        command_id=command.command_id,
    )


def _touches(found: Route, payload: dict[str, Json], ordering_key: str) -> tuple[str, ...]:
    """The further keys that the payload gives, each once and without the ordering key."""
    keys = dict.fromkeys(key.text(payload) for key in found.touches)
    return tuple(key for key in keys if key is not None and key != ordering_key)


def _text(argument: Argument, payload: dict[str, Json], command: Command) -> str:
    text = argument.text(payload)
    if isinstance(text, Refusal):
        raise MalformedCommand(
            f"{command.command_type}: payload field {text.problem}; correct the payload and write the command again",
            code=text.code,
            command_id=command.command_id,
        )
    return text
