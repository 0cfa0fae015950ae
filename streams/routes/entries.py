"""An entry of the document -> Route, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from streams.routes.arguments import Argument, Constant, FieldArgument, FieldPath, Key
from streams.routes.conversions import Conversion
from streams.routes.problems import suggestion, unknown_names
from streams.routes.route import Route

_ROUTE_KEYS = ("identity", "contract", "function", "arguments", "ordering_key", "touches", "parked", "enabled")
_ARGUMENT_KEYS = ("path", "as", "default", "prefix", "each", "constant")
_CONVERSIONS = tuple(conversion.value for conversion in Conversion)
_FIELD_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_CHAINCODE_NAME = re.compile(r"[^\s:]+")


def read_route(command_type: str, entry: Mapping[str, Any], identities: Collection[str]) -> Route | list[str]:
    """The route, or one problem per mistake."""
    problems = unknown_names(entry, _ROUTE_KEYS)
    route = Route(
        command_type=command_type,
        identity=_identity(entry, identities, problems),
        contract=_chaincode_name(entry, "contract", problems),
        function=_chaincode_name(entry, "function", problems),
        arguments=_arguments(entry, problems),
        ordering_key=_key("ordering_key", entry.get("ordering_key", []), problems),
        touches=_touches(entry.get("touches", []), problems),
        waits_for_parked=_waits_for_parked(entry.get("parked", "wait"), problems),
        enabled=entry.get("enabled", True),
    )
    if not isinstance(route.enabled, bool):
        problems.append("enabled must be true or false")
    return problems or route


def _identity(entry: Mapping[str, Any], identities: Collection[str], problems: list[str]) -> str:
    identity = entry.get("identity")
    if not isinstance(identity, str):
        problems.append('identity is missing: name one of [identities], as in identity = "org1-admin"')
        return ""
    if identity not in identities:
        problems.append(f'unknown identity "{identity}": {suggestion(identity, identities)}')
    return identity


def _chaincode_name(entry: Mapping[str, Any], key: str, problems: list[str]) -> str:
    name = entry.get(key)
    if isinstance(name, str) and _CHAINCODE_NAME.fullmatch(name):
        return name
    found = "is missing" if name is None else f"cannot be {name!r}"
    problems.append(f"{key} {found}: write the {key}'s name in the chaincode, without spaces and colons")
    return ""


def _arguments(entry: Mapping[str, Any], problems: list[str]) -> tuple[Argument, ...]:
    written = entry.get("arguments")
    if not isinstance(written, list):
        problems.append("arguments must be an array: write arguments = [] for a function without any")
        return ()
    arguments: list[Argument] = []
    for position, table in enumerate(written, start=1):
        own: list[str] = []
        if isinstance(table, dict):
            arguments.append(_argument(table, own))
        else:
            own.append('must be a table, as in { path = "userId", as = "raw" }')
        problems += [f"argument {position}: {problem}" for problem in own]
    return tuple(arguments)


def _argument(table: Mapping[str, Any], problems: list[str]) -> Argument:
    problems += unknown_names(table, _ARGUMENT_KEYS)
    if "constant" in table:
        if len(table) > 1:
            problems.append("constant stands alone: remove the other keys")
        return Constant(_text(table, "constant", problems) or "")
    return FieldArgument(
        paths=_paths(table.get("path"), problems),
        conversion=_conversion(table.get("as"), problems),
        default=_text(table, "default", problems),
        prefix=_text(table, "prefix", problems) or "",
        each=_each(table, problems),
    )


def _conversion(name: object, problems: list[str]) -> Conversion:
    if isinstance(name, str) and name in _CONVERSIONS:
        return Conversion(name)
    found = "as is missing" if name is None else f'unknown conversion "{name}"'
    problems.append(f"{found}: use one of {', '.join(_CONVERSIONS)}")
    return Conversion.RAW


def _text(table: Mapping[str, Any], key: str, problems: list[str]) -> str | None:
    value = table.get(key)
    if value is None or isinstance(value, str):
        return value
    problems.append(f"{key} must be text: put it in quotes")
    return None


def _each(table: Mapping[str, Any], problems: list[str]) -> dict[str, FieldPath] | None:
    each = table.get("each")
    if each is None:
        return None
    if not isinstance(each, dict) or not each:
        problems.append('each must be a table of new name and path, as in each = { countryCode = "code" }')
        return None
    if table.get("as") != Conversion.JSON.value:
        problems.append('each makes an array of objects: write as = "json" beside it')
    return {name: _path(path, problems) for name, path in each.items()}


def _paths(written: object, problems: list[str]) -> tuple[FieldPath, ...]:
    alternatives = written if isinstance(written, list) else [written]
    if written is None or not alternatives:
        problems.append('path is missing: name a field of the payload, as in path = "userId"')
        return ()
    return tuple(_path(path, problems) for path in alternatives)


def _path(written: object, problems: list[str]) -> FieldPath:
    if isinstance(written, str) and _FIELD_PATH.fullmatch(written):
        return FieldPath(tuple(written.split(".")))
    problems.append(f"bad path {written!r}: write names joined by single dots, without spaces")
    return FieldPath(())


def _key(where: str, written: object, problems: list[str]) -> Key:
    own: list[str] = []
    key = Key()
    match written:
        case list(paths):
            key = Key(paths=tuple(_path(path, own) for path in paths))
        case {"constant": str(constant), **others} if constant and not others:
            key = Key(constant=constant)
        case _:
            own.append('must be an array of paths or { constant = "..." }')
    problems += [f"{where}: {problem}" for problem in own]
    return key


def _touches(written: object, problems: list[str]) -> tuple[Key, ...]:
    if not isinstance(written, list):
        problems.append('touches must be an array of keys, as in touches = [["toUserId"], { constant = "fund" }]')
        return ()
    keys = [_key(f"touches {position}", key, problems) for position, key in enumerate(written, start=1)]
    for position, key in enumerate(written, start=1):
        if key == []:
            problems.append(f"touches {position}: names no field: remove it")
    return tuple(keys)


def _waits_for_parked(written: object, problems: list[str]) -> bool:
    if written not in ("wait", "go on"):
        problems.append('parked must be "wait" or "go on"')
    return written == "wait"
