"""Each command type becomes the call that the worker before sent; what cannot be sent is refused before."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import MalformedCommand, RefusedCommand, UnroutableCommand
from streams.files import SCHEMAS
from streams.kafka.codecs import ROUTED_COMMANDS
from streams.messages import ChangeEvent, Command, Origin, RoutedCommand
from streams.routes.table import load_routes
from streams.stages.route import route

ROUTES = load_routes(SCHEMAS / "routes.toml")
DEMO = load_routes(SCHEMAS / "routes.demo.toml")
CREATED_AT = datetime(2025, 12, 1, 4, 0, 0, tzinfo=UTC)
CAPTURED_AT = datetime(2025, 12, 1, 4, 0, 1, tzinfo=UTC)
ROUTED_AT = datetime(2025, 12, 1, 4, 0, 2, tzinfo=UTC)
ORIGIN = Origin(topic="gx.public.outbox_commands", partition=0, offset=41)

# What becomes of schemas/examples/<type>.json.
EXPECTED = json.loads((Path(__file__).parent / "expected_calls.json").read_text())


def example(command_type: str) -> str:
    return (SCHEMAS / "examples" / f"{command_type}.json").read_text()


def event(command_type: str, payload: str) -> ChangeEvent:
    return ChangeEvent(
        command=Command(
            command_id="cmd-1",
            tenant_id="default",
            service="svc",
            command_type=command_type,
            request_id="request-1",
            payload=payload,
            created_at=CREATED_AT,
        ),
        lsn=1,
        captured_at=CAPTURED_AT,
        from_snapshot=False,
        origin=ORIGIN,
    )


def routed(command_type: str, payload: str) -> RoutedCommand:
    return route(event(command_type, payload), DEMO, routed_at=ROUTED_AT)


def without(command_type: str, field: str) -> str:
    payload = json.loads(example(command_type))
    del payload[field]
    return json.dumps(payload)


def test_there_is_an_example_of_every_routed_type() -> None:
    assert {path.stem for path in (SCHEMAS / "examples").glob("*.json")} == ROUTES.routes.keys() == EXPECTED.keys()


@pytest.mark.parametrize("command_type", EXPECTED)
def test_the_example_of_each_type_becomes_the_documented_call(command_type: str) -> None:
    command = routed(command_type, example(command_type))
    assert EXPECTED[command_type] == {
        "identity": command.identity,
        "function": command.transaction_name,
        "ordering_key": command.ordering_key,
        "touches": list(command.touches),
        "arguments": list(command.arguments),
    }


def test_a_routed_command_carries_ids_times_and_origin_along() -> None:
    assert routed("PAUSE_SYSTEM", '{"reason": "x"}') == RoutedCommand(
        command_id="cmd-1",
        tenant_id="default",
        command_type="PAUSE_SYSTEM",
        request_id="request-1",
        identity="org1-super-admin",
        contract="AdminContract",
        function="PauseSystem",
        arguments=("x",),
        ordering_key="system",
        touches=(),
        waits_for_parked=True,
        revision=0,
        created_at=CREATED_AT,
        captured_at=CAPTURED_AT,
        routed_at=ROUTED_AT,
        captured_from=ORIGIN,
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ('"100.5"', "100.5"),
        ("100.50", "100.5"),
        ("1e21", "1e+21"),
        ("0.0000001", "1e-7"),
        ("18446744073709551615", "18446744073709552000"),
        ('""', ""),
    ],
)
def test_an_amount_is_sent_as_javascript_writes_it(amount: str, text: str) -> None:
    command = routed("TRANSFER_TOKENS", f'{{"fromUserId": "a", "toUserId": "b", "amount": {amount}, "remark": null}}')
    assert command.arguments == ("a", "b", text, "", "User-initiated transfer", "")


def test_both_spellings_of_the_frozen_user_are_understood() -> None:
    for field in ("userID", "userId"):
        command = routed("FREEZE_WALLET", f'{{"{field}": "a"}}')
        assert (command.arguments, command.ordering_key) == (("a", "ADMIN_ACTION"), "a")


def test_transfers_and_payments_of_one_sender_share_their_ordering_key() -> None:
    payload = '{"fromUserId": "a", "toUserId": "b", "amount": 1, "qsendRequestCode": "c"}'
    assert routed("Q_SEND_PAY", payload).ordering_key == routed("TRANSFER_TOKENS", payload).ordering_key == "a"


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


@pytest.mark.parametrize(
    ("command_type", "hint"), [("MINTT", r" \(did you mean MINT\?\)"), ("GOVT_ONBOARD_TREASURY", ""), ("", "")]
)
def test_an_unknown_type_is_unroutable_and_says_what_to_do(command_type: str, hint: str) -> None:
    expected = rf"no route for command type {command_type}{hint}: correct the type, or add \[commands\.{command_type}\]"
    with pytest.raises(UnroutableCommand, match=expected) as raised:
        routed(command_type, "not JSON")
    assert (raised.value.code, raised.value.command_id) == ("UNKNOWN_COMMAND_TYPE", "cmd-1")


def test_a_type_that_is_switched_off_is_unroutable_and_says_what_to_do() -> None:
    with pytest.raises(
        UnroutableCommand, match=r"MINT is switched off: set enabled = true under \[commands.MINT\]"
    ) as raised:
        route(event("MINT", example("MINT")), ROUTES, routed_at=ROUTED_AT)
    assert (raised.value.code, raised.value.command_id) == ("ROUTE_DISABLED", "cmd-1")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"a": NaN}', "is not JSON (NaN is not JSON)"),
        pytest.param("[" * 100_000, "is not JSON (nested too deeply)", id="nested too deeply"),
        ("null", "is null"),
        ("[1]", "is an array"),
        ('"secret"', "is text"),
        ("5", "is a number"),
        ("true", "is true or false"),
    ],
)
@pytest.mark.parametrize("command_type", ["CREATE_USER", "BOOTSTRAP_SYSTEM"])
def test_a_payload_that_is_no_object_is_malformed_even_if_no_field_is_needed(
    command_type: str, payload: str, problem: str
) -> None:
    with pytest.raises(MalformedCommand) as raised:
        routed(command_type, payload)
    assert (raised.value.code, raised.value.command_id) == ("MALFORMED_PAYLOAD", "cmd-1")
    assert str(raised.value).startswith(f"the payload of {command_type} {problem}")
    assert "secret" not in str(raised.value)


# Fields of the examples that have a default or are not part of the call.
OPTIONAL = {
    ("TRANSFER_TOKENS", "remark"),
    ("Q_SEND_PAY", "remark"),
    ("Q_SEND_PAY", "qsendRequestId"),
    ("INITIATE_MULTISIG_TX", "remark"),
    ("EXECUTE_MULTISIG_TX", "remark"),
    ("FREEZE_WALLET", "reason"),
    ("DISTRIBUTE_GENESIS", "userType"),
    ("ENDORSE_MEMBERSHIP", "userId"),
    ("APPROVE_MULTISIG_TX", "userId"),
    ("SUBMIT_PROPOSAL", "proposerId"),
    ("CAST_VOTE", "voterId"),
}
FIELDS = {(command_type, field) for command_type in EXPECTED for field in json.loads(example(command_type))}


@pytest.mark.parametrize(("command_type", "field"), sorted(OPTIONAL))
def test_an_optional_field_may_be_missing(command_type: str, field: str) -> None:
    assert (command_type, field) in FIELDS
    assert len(routed(command_type, without(command_type, field)).arguments) == len(EXPECTED[command_type]["arguments"])


@pytest.mark.parametrize(("command_type", "field"), sorted(FIELDS - OPTIONAL))
def test_a_missing_field_is_refused_by_name_and_never_sent_as_undefined(command_type: str, field: str) -> None:
    with pytest.raises(MalformedCommand) as raised:
        routed(command_type, without(command_type, field))
    assert (raised.value.code, raised.value.command_id) == ("MISSING_ARGUMENT", "cmd-1")
    assert str(raised.value).startswith(f"{command_type}: payload field ")
    assert field in str(raised.value)
    assert "is missing" in str(raised.value)


def test_a_field_of_the_wrong_type_is_refused_by_name_and_its_value_is_not_told() -> None:
    with pytest.raises(MalformedCommand) as raised:
        routed("APPROVE_LOAN", '{"loanId": 424242}')
    assert (raised.value.code, raised.value.command_id) == ("WRONG_ARGUMENT_TYPE", "cmd-1")
    assert str(raised.value) == (
        "APPROVE_LOAN: payload field loanId is a number; it must be text; "
        "correct the payload and write the command again"
    )


def test_a_field_that_only_the_prototype_of_an_object_has_is_missing() -> None:
    # `payload.constructor` is something in JavaScript; no route asks for it, and none may find it.
    with pytest.raises(MalformedCommand, match="loanId is missing"):
        routed("APPROVE_LOAN", '{"__proto__": {"loanId": "x"}}')


payloads = st.dictionaries(
    st.sampled_from(sorted({field for name in EXPECTED for field in json.loads(example(name))})),
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.lists(st.text()),
)


@settings(deadline=None)
@given(st.sampled_from(sorted(EXPECTED)), payloads)
def test_any_payload_becomes_a_message_that_can_be_written_or_is_refused(
    command_type: str, payload: dict[str, object]
) -> None:
    with contextlib.suppress(RefusedCommand):
        command = routed(command_type, json.dumps(payload))
        assert ROUTED_COMMANDS.decode(ROUTED_COMMANDS.encode(command)) == command
        assert "undefined" not in command.arguments or "undefined" in payload.values()
