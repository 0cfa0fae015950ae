"""A plan: for each record that is meant, what is to be done and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import psycopg

from streams.kafka import codecs
from streams.ledger import Ledger
from streams.messages import RoutedCommand
from streams.operations.history import History, Told
from streams.operations.replay.records import Record, Records
from streams.operations.replay.scan import Scan, Tell
from streams.operations.replay.selection import Selection
from streams.operations.replay.verdicts import Facts, Judgement, Verdict, judge, needs_ledger
from streams.operations.status import CONNECT_TIMEOUT_S
from streams.operations.truth import Truth, ledgers, truth
from streams.postgres.profiles import Profile, load_profile
from streams.postgres.rows import Row, fetch_rows
from streams.routes.table import load_routes
from streams.settings import ToolSettings

ASKED_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a plan. `outcome` is the address of the newest outcome that was known, None: there was none.

    `identity` signs, as the record says or, for a change event that was not routed, as the table of routes does now.
    """

    command_id: str | None
    command_type: str | None
    tenant_id: str | None
    identity: str | None
    revision: int
    verdict: Verdict
    cause: str
    topic: str
    partition: int
    offset: int
    outcome: str | None

    def is_published(self, *, include_failed: bool) -> bool:
        """Whether it goes to the workers once more."""
        curable = self.verdict is Verdict.FAILED_CURABLE and include_failed
        return self.verdict in (Verdict.NEVER_SUBMITTED, Verdict.IN_DOUBT) or curable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A record with what was found out about it."""

    record: Record
    command: RoutedCommand | None
    told: Told | None
    row: Row | None
    facts: Facts


class Planner:
    """Plans one selection; `results_end` tells, after the last entry, up to where outcomes were known."""

    def __init__(self, settings: ToolSettings, selection: Selection, tell: Tell, *, is_proof_wanted: bool) -> None:
        self._settings, self._selection, self._tell = settings, selection, tell
        self._is_proof_wanted = is_proof_wanted
        self._profile: Profile = load_profile(settings.postgres.profile)
        self._routes = load_routes(settings.routes)
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self.results_end: Mapping[int, int] = {}

    async def entries(self) -> AsyncIterator[Entry]:
        """Every entry, in the order of reading. Raises KafkaException, psycopg.Error, CredentialsInvalid."""
        settings = self._settings
        with (
            History() as history,
            psycopg.connect(
                settings.postgres.dsn.get_secret_value(), connect_timeout=CONNECT_TIMEOUT_S, autocommit=True
            ) as connection,
        ):
            scan = await asyncio.to_thread(self._scanned, history)
            self.results_end = scan.results_end
            records, done = scan.records, 0
            total = len(records)
            async with ledgers(settings.fabric, self._routes.identities) as gateways:
                for batch in records.batches():
                    cases = self._cases(batch, scan, history, connection)
                    for entry in await asyncio.gather(*(self._judged(case, gateways) for case in cases)):
                        yield entry
                    done += len(batch)
                    self._tell("ledger", done, total)

    def _scanned(self, history: History) -> Scan:
        scan = Scan(
            bootstrap_servers=self._settings.kafka.bootstrap_servers,
            selection=self._selection,
            routes=self._routes,
            profile=self._profile,
            cdc_topic=self._profile.cdc_topic(self._settings.kafka.topic_prefix),
            records=Records(history),
            history=history,
            tell=self._tell,
        )
        scan.run()
        return scan

    def _cases(
        self, batch: Sequence[Record], scan: Scan, history: History, connection: psycopg.Connection[tuple[object, ...]]
    ) -> list[_Case]:
        command_ids = [record.command_id for record in batch if record.command_id is not None]
        told, rows = history.of(command_ids), fetch_rows(connection, self._profile, command_ids)
        cases = []
        for record in batch:
            origin, known, row = record.origin, told.get(record.command_id or ""), rows.get(record.command_id or "")
            if self._selection.statuses and (row is None or row.status not in self._selection.statuses):
                continue
            command = codecs.ROUTED_COMMANDS.decode(record.value) if record.value is not None else None
            if command is not None and known is not None and known.identity is not None:
                command = replace(command, identity=known.identity)
            facts = Facts(
                later=record.later,
                is_taken=not record.is_under_way and origin.offset < scan.taken[origin.topic].get(origin.partition, 0),
                told=known,
                row_status=row.status if row else None,
                row_transaction_id=row.transaction_id if row else None,
                truth=None,
            )
            cases.append(_Case(record=record, command=command, told=known, row=row, facts=facts))
        return cases

    async def _judged(self, case: _Case, gateways: Mapping[str, Ledger]) -> Entry:
        judgement = _of_problem(case.record)
        if judgement is None:
            found = await self._truth(case, gateways)
            judgement = judge(replace(case.facts, truth=found))
        origin, told = case.record.origin, case.told
        return Entry(
            command_id=case.record.command_id,
            command_type=case.record.command_type,
            tenant_id=case.record.tenant_id,
            identity=case.command.identity if case.command else None,
            revision=case.command.revision if case.command else 0,
            verdict=judgement.verdict,
            cause=judgement.cause,
            outcome=None if told is None or told.outcome_at is None else f"{told.outcome} at {told.outcome_at}",
            **asdict(origin),
        )

    async def _truth(self, case: _Case, gateways: Mapping[str, Ledger]) -> Truth | None:
        if case.command is None or not needs_ledger(case.facts, is_proof_wanted=self._is_proof_wanted):
            return None
        attempts = max(case.told.attempts if case.told else 0, case.row.attempts if case.row else 0)
        async with self._asking:
            return await truth(gateways, case.command, attempts)


def _of_problem(record: Record) -> Judgement | None:
    """The verdict on what is no command."""
    if record.problem is None:
        return None
    kind, _, cause = record.problem.partition(": ")
    return Judgement(Verdict.UNREADABLE if kind == "unreadable" else Verdict.FAILED_FOR_GOOD, cause)
