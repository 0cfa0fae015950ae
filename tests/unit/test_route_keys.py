"""Which keys a command has beside its ordering key, and whether it waits for a parked one."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_route_stage import ROUTED_AT, ROUTES, event, routed

from streams.files import SCHEMAS
from streams.routes.table import load_routes
from streams.stages.route import route


def test_a_payment_touches_the_payee_under_the_key_of_the_payees_own_payments() -> None:
    there = '{"fromUserId": "a", "toUserId": "b", "amount": 1, "qsendRequestCode": "c"}'
    back = '{"fromUserId": "b", "toUserId": "a", "amount": 1, "qsendRequestCode": "c"}'
    for command_type in ("TRANSFER_TOKENS", "Q_SEND_PAY"):
        assert routed(command_type, there).touches == (routed(command_type, back).ordering_key,) == ("b",)


def test_a_key_is_touched_once_and_not_beside_the_same_ordering_key() -> None:
    assert routed("TRANSFER_TOKENS", '{"fromUserId": "a", "toUserId": "a", "amount": 1}').touches == ()
    payment = '{"pendingTxId": "p", "orgId": "o", "toUserId": "o", "amount": 1}'
    assert routed("EXECUTE_MULTISIG_TX", payment).touches == ("o",)


@pytest.mark.parametrize("country", ['"nationality": "MY"', '"countryCode": "MY"'])
def test_grants_of_one_country_and_of_all_countries_take_turns_with_its_treasury(country: str) -> None:
    grant = routed("DISTRIBUTE_GENESIS", f'{{"userId": "a", {country}}}')
    assert grant.touches == ("GlobalCounters", routed("ACTIVATE_TREASURY", '{"countryCode": "MY"}').ordering_key)


def test_a_route_may_go_on_past_a_parked_command(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'extends = "{SCHEMAS / "routes.toml"}"\n[commands.CAST_VOTE]\nparked = "go on"\n')
    vote = event("CAST_VOTE", '{"proposalId": "p", "vote": true}')
    assert not route(vote, load_routes(own), routed_at=ROUTED_AT).waits_for_parked
    assert route(vote, ROUTES, routed_at=ROUTED_AT).waits_for_parked
