"""What a lane control selects, and that what operators do survives the way through Kafka."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from test_codecs import ORIGIN, routed

from streams.kafka.codecs import LANE_CONTROLS, LETTER_RESOLUTIONS, OPERATOR_ACTIONS
from streams.operations import audit
from streams.operators import LaneControl, LetterResolution, OperatorAction, Resolution

AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
OF_THE_COMMAND = {
    "identity": "org1-admin",
    "command_type": "TRANSFER_TOKENS",
    "tenant_id": "default",
    "ordering_key": "a",
}


def control(**selector: str) -> LaneControl:
    return LaneControl(**selector, is_paused=True, reason="incident 7", by="eve", happened_at=AT)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", OF_THE_COMMAND)
def test_a_control_selects_by_each_of_its_fields(named: str) -> None:
    assert control(**{named: OF_THE_COMMAND[named]}).selects(routed())
    assert not control(**{named: "another"}).selects(routed())
    assert not control(**{**OF_THE_COMMAND, named: "another"}).selects(routed())


def test_a_control_that_names_nothing_selects_everything() -> None:
    assert control().selects(routed())
    assert control().key == "{}"


def test_a_control_of_a_replay_selects_only_what_that_replay_delivered() -> None:
    of_replay = control(replay_id="r-1")
    assert of_replay.selects(routed(), "r-1")
    assert not of_replay.selects(routed(), "r-2")
    assert not of_replay.selects(routed())


def test_the_key_of_a_control_is_its_selector_alone() -> None:
    one, same = control(identity="a", tenant_id="b"), control(tenant_id="b", identity="a")
    assert one.key == same.key == '{"identity":"a","tenant_id":"b"}'
    assert control(identity='a","tenant_id":"b').key != one.key


def test_what_operators_do_survives_the_round_trip() -> None:
    action = OperatorAction(
        action_id="a-1", action="redrive", by="eve", happened_at=AT, flags={"code": "X"}, counts={"letters": 3}
    )
    assert OPERATOR_ACTIONS.decode(OPERATOR_ACTIONS.encode(action)) == action
    assert LANE_CONTROLS.decode(LANE_CONTROLS.encode(control(tenant_id="acme"))) == control(tenant_id="acme")


@pytest.mark.parametrize("resolution", Resolution)
def test_every_resolution_of_a_letter_survives_the_round_trip(resolution: Resolution) -> None:
    dealt_with = LetterResolution(
        action_id="a-1", resolution=resolution, letter=ORIGIN, command_id="c", reason="", by="eve", happened_at=AT
    )
    assert LETTER_RESOLUTIONS.decode(LETTER_RESOLUTIONS.encode(dealt_with)) == dealt_with


def test_whoever_acts_is_named() -> None:
    assert audit.acting("eve") == "eve"
    assert "@" in audit.acting(None)
