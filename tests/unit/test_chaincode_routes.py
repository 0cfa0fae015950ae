"""The routes that ship and the reference chaincode agree."""

from __future__ import annotations

import pytest

from streams.chaincode.contracts import CONTRACTS
from streams.chaincode.roles import ANY_ROLE, load_roles
from streams.files import SCHEMAS
from streams.routes.table import load_routes

SHIPPED = [
    ("routes.toml", "operations"),
    ("routes.demo.toml", "operations"),
    ("routes.chaincode-roles.toml", "chaincode"),
]


@pytest.mark.parametrize("file", [file for file, _ in SHIPPED])
def test_every_route_calls_a_function_that_exists_with_its_number_of_arguments(file: str) -> None:
    for route in load_routes(SCHEMAS / file).routes.values():
        function = CONTRACTS[route.contract][route.function]
        assert len(route.arguments) == len(function.parameters), route
        assert function.changes_state, route


@pytest.mark.parametrize(("file", "roles"), SHIPPED)
def test_every_route_signs_with_a_role_that_the_chaincode_accepts(file: str, roles: str) -> None:
    routes, allowed = load_routes(SCHEMAS / file), load_roles(roles).allowed
    for route in routes.routes.values():
        accepted = allowed[f"{route.contract}:{route.function}"]
        assert accepted is ANY_ROLE or routes.identities[route.identity] in accepted, route
