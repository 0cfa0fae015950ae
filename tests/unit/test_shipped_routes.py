"""The tables that ship: all types, the documented identities, and what is said of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from streams.errors import RoutesInvalid
from streams.files import SCHEMAS
from streams.routes.description import describe
from streams.routes.table import check_covers, load_routes

TYPES = json.loads((Path(__file__).parent / "expected_calls.json").read_text()).keys()


@pytest.mark.parametrize("name", ["routes.toml", "routes.chaincode-roles.toml", "routes.demo.toml"])
def test_every_shipped_table_has_a_route_for_each_of_the_27_types_and_no_other(name: str) -> None:
    assert len(TYPES) == 27
    assert load_routes(SCHEMAS / name).routes.keys() == TYPES


def test_the_default_identities_are_those_of_the_operations_document() -> None:
    routes = load_routes(SCHEMAS / "routes.toml")
    assert routes.identities == {
        "org1-super-admin": "gx_super_admin",
        "org1-admin": "gx_admin",
        "org1-partner-api": "gx_partner_api",
    }
    signed_by = {
        identity: {name for name, route in routes.routes.items() if route.identity == identity}
        for identity in routes.identities
    }
    assert signed_by["org1-super-admin"] == {
        "BOOTSTRAP_SYSTEM",
        "INITIALIZE_COUNTRY_DATA",
        "PAUSE_SYSTEM",
        "RESUME_SYSTEM",
        "MINT",
    }
    assert signed_by["org1-admin"] == {"APPOINT_ADMIN", "ACTIVATE_TREASURY", "DISTRIBUTE_GENESIS", "TRANSFER_TOKENS"}
    assert sum(map(len, signed_by.values())) == 27


def test_the_chaincode_roles_table_differs_in_identities_only() -> None:
    default = load_routes(SCHEMAS / "routes.toml").routes
    by_role = load_routes(SCHEMAS / "routes.chaincode-roles.toml").routes
    changed = {name: route.identity for name, route in by_role.items() if route.identity != default[name].identity}
    assert changed == {
        "FREEZE_WALLET": "org1-super-admin",
        "UNFREEZE_WALLET": "org1-super-admin",
        "APPOINT_ADMIN": "org1-super-admin",
        "Q_SEND_PAY": "org1-admin",
        "DEFINE_AUTH_RULE": "org1-admin",
        "APPROVE_LOAN": "org1-admin",
        "SUBMIT_PROPOSAL": "org1-admin",
        "EXECUTE_PROPOSAL": "org1-admin",
        "UPDATE_SYSTEM_PARAMETER": "org1-admin",
        "APPLY_VELOCITY_TAX": "org1-admin",
    }
    for name, route in by_role.items():
        assert replace(route, identity=default[name].identity) == default[name]


def test_what_can_pay_twice_is_off_by_default_and_the_demonstration_turns_it_on() -> None:
    default = load_routes(SCHEMAS / "routes.toml").routes
    assert [name for name, route in default.items() if not route.enabled] == ["MINT", "EXECUTE_MULTISIG_TX"]
    assert all(route.enabled for route in load_routes(SCHEMAS / "routes.demo.toml").routes.values())


def test_functions_are_every_contract_and_function_that_is_called() -> None:
    functions = load_routes(SCHEMAS / "routes.toml").functions
    assert {"TokenomicsContract:TransferWithFees", "TokenomicsContract:Mint"} <= functions
    # Q_SEND_PAY calls the function of TRANSFER_TOKENS.
    assert len(functions) == 26


def test_a_table_that_covers_every_label_passes_even_with_disabled_routes() -> None:
    check_covers(load_routes(SCHEMAS / "routes.toml"), TYPES)


def test_a_label_without_a_route_is_refused_by_name() -> None:
    with pytest.raises(RoutesInvalid, match=r"no route for GOVT_ALLOCATE_FUNDS.*add \[commands.GOVT_ALLOCATE_FUNDS\]"):
        check_covers(load_routes(SCHEMAS / "routes.toml"), [*TYPES, "GOVT_ALLOCATE_FUNDS"])


def test_the_table_cannot_be_changed_after_loading() -> None:
    routes = load_routes(SCHEMAS / "routes.toml")
    with pytest.raises(TypeError):
        routes.routes["MINT"] = routes.routes["CREATE_USER"]  # type: ignore[index]


def test_the_description_says_in_words_what_is_sent() -> None:
    rows = {row.command_type: row for row in describe(load_routes(SCHEMAS / "routes.toml"))}
    assert rows.keys() == TYPES
    assert rows["CREATE_USER"].arguments == "userId, biometricHash, nationality or countryCode, text of age"
    assert rows["TRANSFER_TOKENS"].arguments == (
        'fromUserId, toUserId, text of amount, "", remark else "User-initiated transfer", idempotencyKey else ""'
    )
    assert rows["INITIALIZE_COUNTRY_DATA"].arguments == "JSON of countriesData as [{countryCode, percentage}]"
    assert rows["Q_SEND_PAY"].arguments.endswith('"qsend-" + text of qsendRequestCode')
    assert rows["BOOTSTRAP_SYSTEM"].arguments == "none"
    assert rows["BOOTSTRAP_SYSTEM"].ordering_key == '"system"'
    assert rows["FREEZE_WALLET"].ordering_key == "userID or userId"
    assert rows["CREATE_USER"].touches == '"GlobalCounters", nationality or countryCode'
    assert {row.parked for row in rows.values()} == {"wait"}
    assert rows["MINT"].enabled is False
    assert rows["MINT"].transaction_name == "TokenomicsContract:Mint"
