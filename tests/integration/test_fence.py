"""The keys that a tool pauses while it decides, with a real Kafka."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from submit_bench import Bench
from test_dead_letters import lanes_of

from streams.operations import lanes
from streams.operations.audit import new_action
from streams.operations.letters.fence import fenced
from streams.operators import LaneControl


async def test_a_pause_that_an_operator_sets_meanwhile_stays(line: Bench) -> None:
    one, other = line.command("one"), line.command("other")
    servers, action = line.broker.bootstrap_servers, new_action("edit", by="eve")
    with fenced(servers, [one, other], action):
        assert sorted(str(key) for key in lanes_of(line)) == ["one", "other"]
        now = datetime.now(UTC)
        by_bob = LaneControl(
            identity=line.identity, ordering_key="one", is_paused=True, reason="incident 42", by="bob", happened_at=now
        )
        lanes.pause(servers, by_bob)
    (left,) = [pause for pause in lanes.pauses(servers) if pause.identity == line.identity]
    assert (left.ordering_key, left.by, left.reason) == ("one", "bob", "incident 42")
    lanes.resume(servers, [replace(left, is_paused=False)])
