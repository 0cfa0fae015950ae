"""Which groups are watched, and on which topics."""

from __future__ import annotations

from streams.kafka.group_lag import GroupLags, WatchedGroup
from streams.kafka.groups import line_groups, replay_groups
from streams.kafka.topics import line_topics
from streams.postgres.profiles import load_profile
from streams.routes.table import load_routes
from streams.settings import KafkaSettings, LagSettings, MonitorSettings


def watched_groups(settings: MonitorSettings | LagSettings) -> list[WatchedGroup]:
    """The line's groups in its order, each with the topics that it reads, then those that the settings name.

    Raises SettingsInvalid or RoutesInvalid.
    """
    identities = load_routes(settings.routes).identities
    groups, replays = line_groups(identities, _cdc_topic(settings)), replay_groups(identities)
    ours = [
        WatchedGroup(name=group, topics=frozenset({topic, replays.get(group, topic)}))
        for group, topic in groups.items()
    ]
    others = [name for name in settings.monitor.groups if name not in groups]
    return [*ours, *(WatchedGroup(name=name, topics=frozenset()) for name in others)]


def group_lags(settings: MonitorSettings | LagSettings) -> GroupLags:
    """Who asks for their positions; close it. Commits of the line's groups are looked for in the line's topics only.

    Raises SettingsInvalid or RoutesInvalid.
    """
    kafka: KafkaSettings = settings.kafka
    topics = line_topics(load_routes(settings.routes).identities, _cdc_topic(settings), kafka.command_partitions)
    everywhere = None if settings.monitor.groups else frozenset(topic.name for topic in topics)
    return GroupLags(kafka.bootstrap_servers, watched_groups(settings), everywhere)


def _cdc_topic(settings: MonitorSettings | LagSettings) -> str:
    return load_profile(settings.postgres.profile).cdc_topic(settings.kafka.topic_prefix)
