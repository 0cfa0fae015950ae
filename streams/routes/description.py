"""The table in words, for people who check it."""

from __future__ import annotations

from dataclasses import dataclass

from streams.routes.arguments import Argument, Constant, FieldArgument, Key
from streams.routes.conversions import Conversion
from streams.routes.table import Routes

_IN_WORDS = {
    Conversion.RAW: "{}",
    Conversion.STR: "text of {}",
    Conversion.STRING: "text of {}",
    Conversion.JSON: "JSON of {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One line of the table `streams routes check` prints; `arguments` and `touches` in words, in order."""

    command_type: str
    identity: str
    transaction_name: str
    arguments: str
    ordering_key: str
    touches: str
    parked: str
    enabled: bool


def describe(routes: Routes) -> list[RouteRow]:
    """One row per command type, in the order of the file."""
    return [
        RouteRow(
            command_type=route.command_type,
            identity=route.identity,
            transaction_name=route.transaction_name,
            arguments=", ".join(map(_argument, route.arguments)) or "none",
            ordering_key=_key(route.ordering_key) or "command type",
            touches=", ".join(map(_key, route.touches)) or "none",
            parked="wait" if route.waits_for_parked else "go on",
            enabled=route.enabled,
        )
        for route in routes.routes.values()
    ]


def _argument(argument: Argument) -> str:
    match argument:
        case Constant(value):
            return f'"{value}"'
        case FieldArgument():
            words = _IN_WORDS[argument.conversion].format(argument.name)
            if argument.each is not None:
                words += f" as [{{{', '.join(argument.each)}}}]"
            if argument.default is not None:
                words += f' else "{argument.default}"'
            return f'"{argument.prefix}" + {words}' if argument.prefix else words


def _key(key: Key) -> str:
    if key.constant is not None:
        return f'"{key.constant}"'
    return " or ".join(map(str, key.paths))
