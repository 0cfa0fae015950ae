"""Every source of the monitor. A further job is a further entry: a name, a period, and what to collect."""

from __future__ import annotations

from functools import partial

from streams.kafka.connect_api import ConnectApi
from streams.kafka.groups import count_members
from streams.kafka.tail import Tail
from streams.kafka.topics import DEAD_LETTERS, OPERATOR_ACTIONS
from streams.monitor import database
from streams.monitor.certificates import Certificates
from streams.monitor.connector import ConnectorStates
from streams.monitor.dead_letters import DeadLetters
from streams.monitor.groups import Groups
from streams.monitor.letters_dealt_with import CommittedRows, Resolutions
from streams.monitor.reconciliation import LONGEST_RUN_S, RETRY_S, RUN_PERIODS, Reconciliations
from streams.monitor.source import Source
from streams.monitor.watched_groups import group_lags, watched_groups
from streams.operations.reconcile.gather import parties_of
from streams.postgres.profiles import load_profile
from streams.settings import FabricSettings, MonitorSettings

CERTIFICATES_PERIOD_S = 30.0


def sources(settings: MonitorSettings, fabric: FabricSettings | None = None) -> list[Source]:
    """In the order of /ready. `fabric`: the ledger that rows are compared with.

    Raises SettingsInvalid or RoutesInvalid; no neighbour is asked yet.
    """
    found = [_kafka(settings), *_postgres(settings), _connect(settings), _dead_letters(settings)]
    if settings.fabric.wallet is not None:
        collect = Certificates(settings.fabric.wallet).collect
        found.append(Source(name="wallet", period_s=CERTIFICATES_PERIOD_S, collect=collect))
    found.append(_reconciliation(settings, fabric))
    return found


def _reconciliation(settings: MonitorSettings, fabric: FabricSettings | None) -> Source:
    job = Reconciliations(parties_of(settings), settings.reconcile, fabric)
    return Source(
        name="reconcile",
        period_s=settings.reconcile.every_s,
        collect=job.collect,
        stuck_s=None,  # a slow run is told by the age of the last one; nobody else has to go down for it
        longest_s=max(LONGEST_RUN_S, RUN_PERIODS * settings.reconcile.every_s),
        retry_s=min(RETRY_S, settings.reconcile.every_s),
    )


def _kafka(settings: MonitorSettings) -> Source:
    lags, bootstrap_servers = group_lags(settings), settings.kafka.bootstrap_servers
    members = {group.name: partial(count_members, bootstrap_servers, group.name) for group in watched_groups(settings)}
    groups = Groups(settings.monitor.cluster_name, lags.ask, members)
    return Source(name="kafka", period_s=settings.monitor.period_s, collect=groups.collect, close=lags.close)


def _postgres(settings: MonitorSettings) -> list[Source]:
    dsn, period_s = settings.postgres.dsn.get_secret_value(), settings.monitor.period_s
    slots = database.slots(dsn)
    rows = database.rows(dsn, load_profile(settings.postgres.profile))
    return [
        Source(name="postgres", period_s=period_s, collect=slots.collect, close=slots.close),
        Source(name="rows", period_s=period_s, collect=rows.collect, close=rows.close),
    ]


def _connect(settings: MonitorSettings) -> Source:
    states = ConnectorStates(ConnectApi(settings.connect.url), settings.connect.connector)
    return Source(name="connect", period_s=settings.monitor.period_s, collect=states.collect)


def _dead_letters(settings: MonitorSettings) -> Source:
    bootstrap_servers = settings.kafka.bootstrap_servers
    resolutions = Resolutions(Tail(bootstrap_servers, OPERATOR_ACTIONS))
    rows = CommittedRows(settings.postgres.dsn.get_secret_value(), load_profile(settings.postgres.profile))
    letters = DeadLetters(Tail(bootstrap_servers, DEAD_LETTERS), resolutions.new, rows.among)

    def close() -> None:
        for each in (letters, resolutions, rows):
            each.close()

    return Source(name="dead-letters", period_s=settings.monitor.period_s, collect=letters.collect, close=close)
