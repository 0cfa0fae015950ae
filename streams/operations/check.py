"""Is everything there that the line needs? One finding per dependency and identity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import PipelineError
from streams.fabric.gateway import connect
from streams.fabric.rotation import not_in_use
from streams.kafka.connect_api import ConnectApi
from streams.kafka.topics import line_topics
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.postgres.profiles import load_profile
from streams.postgres.rows import command_types
from streams.postgres.slots import logical_slots
from streams.routes.table import check_covers, load_routes
from streams.settings import FabricSettings, ToolSettings

KAFKA_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was checked, whether it is as it must be, and what was seen."""

    what: str
    is_ok: bool
    seen: str


async def check(settings: ToolSettings) -> AsyncIterator[Finding]:
    """Every dependency in the order of the line, then every identity. Raises SettingsInvalid or RoutesInvalid only."""
    for what, look in _dependencies(settings):
        try:
            yield Finding(what=what, is_ok=True, seen=look())
        except (PipelineError, psycopg.Error, KafkaException, OSError) as error:
            yield Finding(what=what, is_ok=False, seen=_one_line(error))
    for identity in load_routes(settings.routes).identities:
        yield await check_identity(settings.fabric, identity)


async def check_identity(settings: FabricSettings, identity: str) -> Finding:
    """Whether the gateway accepts the identity's pair in the wallet, and workers sign with it."""
    what = f"identity {identity}"
    try:
        async with connect(settings, identity) as gateway:
            height = await gateway.height()
            waits = not_in_use(settings.wallet, gateway.identity)
    except PipelineError as error:
        return Finding(what=what, is_ok=False, seen=_one_line(error))
    seen = f"{settings.channel} has {height} blocks"
    return Finding(what=what, is_ok=True, seen=f"{seen}; {waits}" if waits else seen)


def _dependencies(settings: ToolSettings) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "postgres", lambda: _postgres(settings)
    yield "replication slot", lambda: _slot(settings)
    yield "connect", lambda: _connect(settings)
    yield "kafka", lambda: _kafka(settings)
    yield "routes", lambda: _routes(settings)


def _postgres(settings: ToolSettings) -> str:
    profile = load_profile(settings.postgres.profile)
    with _database(settings) as connection:
        return f"{profile.schema}.{profile.table}, {len(command_types(connection, profile))} command types"


def _slot(settings: ToolSettings) -> str:
    with _database(settings) as connection:
        slots = logical_slots(connection)
    if not any(slot.active for slot in slots):
        raise PipelineError("no logical slot is being read: is the connector running?")
    return ", ".join(f"{slot.slot_name} {'active' if slot.active else 'inactive'}" for slot in slots)


def _connect(settings: ToolSettings) -> str:
    status = ConnectApi(settings.connect.url).status(settings.connect.connector)
    if status is None:
        raise PipelineError(f"Connect knows no connector {settings.connect.connector}")
    if not status.is_running:
        cause = status.trace.partition("\n")[0] or "no cause given"
        raise PipelineError(f"connector {status.connector}, tasks {', '.join(status.tasks) or 'none'}: {cause}")
    return f"{settings.connect.connector} is running"


def _kafka(settings: ToolSettings) -> str:
    profile = load_profile(settings.postgres.profile)
    identities = load_routes(settings.routes).identities
    wanted = line_topics(identities, profile.cdc_topic(settings.kafka.topic_prefix), settings.kafka.command_partitions)
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers, "log_level": 0})
    there = admin.list_topics(timeout=KAFKA_TIMEOUT_S).topics
    missing = [topic.name for topic in wanted if topic.name not in there]
    if missing:
        raise PipelineError(f"topics missing: {', '.join(missing)}")
    return f"{len(wanted)} topics"


def _routes(settings: ToolSettings) -> str:
    routes = load_routes(settings.routes)
    with _database(settings) as connection:
        check_covers(routes, command_types(connection, load_profile(settings.postgres.profile)))
    return f"{len(routes.routes)} command types, {len(routes.identities)} identities"


def _database(settings: ToolSettings) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S)


def _one_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
