"""Which groups the monitor looks at, and where."""

from __future__ import annotations

import pytest

from streams.kafka.groups import line_groups, replay_groups
from streams.kafka.topics import commands_topic, replays_topic
from streams.monitor.watched_groups import watched_groups
from streams.routes.table import load_routes
from streams.settings import LagSettings
from streams.settings.loading import load


def test_the_workers_of_an_identity_are_watched_on_what_is_live_and_on_what_is_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STREAMS_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    settings = load(LagSettings)
    identities = load_routes(settings.routes).identities
    watched = {group.name: set(group.topics) for group in watched_groups(settings)}
    assert watched.keys() == line_groups(identities, "cdc").keys()
    assert watched.keys() > replay_groups(identities).keys()
    for identity in identities:
        assert watched[f"submit.{identity}"] == {commands_topic(identity), replays_topic(identity)}
