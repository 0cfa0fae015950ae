"""What operators do is on record, in its order, next to which letters they dealt with."""

from __future__ import annotations

from datetime import UTC, datetime

from neighbours import Broker

from streams.kafka import codecs
from streams.kafka.topics import OPERATOR_ACTIONS
from streams.messages import Origin
from streams.operations import audit
from streams.operators import LetterResolution, Resolution

BEGAN_AT = datetime.now(UTC)


def test_an_action_that_was_recorded_can_be_read(broker: Broker) -> None:
    first = audit.new_action("replay", by="eve", flags={"execute": "true"}, counts={"submit": 3}, reason="incident 7")
    second = audit.new_action("pause", by="adam")
    audit.record(broker.bootstrap_servers, first)
    resolution = LetterResolution(
        action_id=first.action_id,
        resolution=Resolution.REDRIVEN,
        letter=Origin(topic="dead-letters", partition=0, offset=3),
        reason="",
        by="eve",
        happened_at=BEGAN_AT,
    )
    broker.produce(OPERATOR_ACTIONS, codecs.LETTER_RESOLUTIONS.encode(resolution))
    audit.record(broker.bootstrap_servers, second)

    found = [action.action_id for action in audit.actions(broker.bootstrap_servers, BEGAN_AT)]
    assert found[found.index(first.action_id) :] == [first.action_id, second.action_id]
    again = next(a for a in audit.actions(broker.bootstrap_servers, BEGAN_AT) if a.action_id == first.action_id)
    assert (again.by, again.flags, again.counts, again.reason) == (
        "eve",
        {"execute": "true"},
        {"submit": 3},
        "incident 7",
    )
