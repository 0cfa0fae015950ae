"""The table of routes, loaded from `schemas/routes.toml` or a file that extends it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from streams.errors import RoutesInvalid
from streams.routes.entries import read_route
from streams.routes.route import Route
from streams.routes.toml import Document, read_document

# The identity is part of a topic's name: org.apache.kafka.common.internals.Topic, LEGAL_CHARS.
_IDENTITY = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """`identities`: identity -> `gxc_role` of its certificate. `routes`: command type -> Route, in the file's order.

    `file` is where the table came from, for messages.
    """

    file: Path
    identities: Mapping[str, str]
    routes: Mapping[str, Route]

    @property
    def functions(self) -> frozenset[str]:
        """Every `contract:function` that a route calls, also of routes that are switched off."""
        return frozenset(route.transaction_name for route in self.routes.values())


def load_routes(path: Path) -> Routes:
    """The table at `path`. Raises RoutesInvalid, one line per mistake, each with file, entry and what to do."""
    document = read_document(path)
    problems = [f"{path}: {problem}" for problem in _identity_problems(document)]
    routes: dict[str, Route] = {}
    for command_type, entry in document.commands.items():
        match read_route(command_type, entry, document.identities.keys()):
            case Route() as route:
                routes[command_type] = route
            case complaints:
                where = f"{document.written_in[command_type]}: [commands.{command_type}]"
                problems += [f"{where}: {complaint}" for complaint in complaints]
    if problems:
        raise RoutesInvalid("\n".join(problems))
    return Routes(file=path, identities=MappingProxyType(dict(document.identities)), routes=MappingProxyType(routes))


def check_covers(routes: Routes, labels: Iterable[str]) -> None:
    """Every label of the table's enum has a route, even if only a disabled one. Raises RoutesInvalid."""
    uncovered = sorted(set(labels) - routes.routes.keys())
    if uncovered:
        raise RoutesInvalid(
            "\n".join(
                f"{routes.file}: no route for {label}, a label of the table's command type: "
                f"add [commands.{label}], with enabled = false if it must not be sent"
                for label in uncovered
            )
        )


def _identity_problems(document: Document) -> list[str]:
    problems = []
    if not document.identities:
        problems.append('[identities] is missing or empty: write one line per identity, <name> = "<its gxc_role>"')
    if not document.commands:
        problems.append("there is no route: write at least one [commands.<TYPE>]")
    for identity, role in document.identities.items():
        if not _IDENTITY.fullmatch(identity):
            problems.append(f'[identities]: "{identity}" is part of a topic name: use only A-Z a-z 0-9 . _ -')
        if not isinstance(role, str):
            problems.append(f'[identities]: {identity} must be the text of its gxc_role, as in "gx_admin"')
    return problems
