"""The line as it stands: connector, slot, topics with lag, breakers, pauses, rows. Each part is asked on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from confluent_kafka import KafkaException

from streams.kafka.connect_api import ConnectApi, ConnectorStatus
from streams.kafka.groups import line_groups, replay_groups
from streams.kafka.lag import Lag, lags
from streams.messages import BreakerChange
from streams.operations.breakers import breakers
from streams.operations.lanes import pauses
from streams.operators import LaneControl
from streams.postgres.profiles import load_profile
from streams.postgres.rows import count_by_status
from streams.postgres.slots import Slot, logical_slots
from streams.routes.table import load_routes
from streams.settings import ToolSettings

T = TypeVar("T")
CONNECT_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """What each part answered; a part that could not be asked is None and has an entry in `problems`."""

    connector: ConnectorStatus | None
    slots: list[Slot] | None
    lags: list[Lag] | None
    breakers: list[BreakerChange] | None
    pauses: list[LaneControl] | None
    rows: dict[str, int] | None
    problems: dict[str, str]


def line_status(settings: ToolSettings) -> LineStatus:
    """Ask every part. Raises SettingsInvalid or RoutesInvalid only."""
    profile = load_profile(settings.postgres.profile)
    identities = load_routes(settings.routes).identities
    live, replays = line_groups(identities, profile.cdc_topic(settings.kafka.topic_prefix)), replay_groups(identities)
    problems: dict[str, str] = {}
    servers = settings.kafka.bootstrap_servers

    def ask(part: str, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except (psycopg.Error, KafkaException, OSError) as error:
            problems[part] = str(error).strip().splitlines()[0]
            return None

    def in_database(question: Callable[[psycopg.Connection[tuple[object, ...]]], T]) -> T:
        with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            return question(connection)

    return LineStatus(
        connector=ask("connector", lambda: ConnectApi(settings.connect.url).status(settings.connect.connector)),
        slots=ask("slot", lambda: in_database(logical_slots)),
        lags=ask("topics", lambda: [lag for groups in (live, replays) for lag in lags(servers, groups)]),
        breakers=ask("breakers", lambda: breakers(settings.kafka.bootstrap_servers)),
        pauses=ask("pauses", lambda: pauses(settings.kafka.bootstrap_servers)),
        rows=ask("rows", lambda: in_database(lambda connection: count_by_status(connection, profile))),
        problems=problems,
    )
