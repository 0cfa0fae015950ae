"""One run: gather, judge, compare with the chain, look again, ask the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from streams.errors import LedgerError
from streams.fabric.gateway import Gateway, connect
from streams.operations.reconcile.against_ledger import commits_not_there, read_chain, without_row
from streams.operations.reconcile.answers import answered
from streams.operations.reconcile.facts import Source, milliseconds
from streams.operations.reconcile.findings import Report, Window
from streams.operations.reconcile.gather import Gathered, Parties, gather, parties_of
from streams.operations.reconcile.judge import Evidence, Limits, judge
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import Notebook, Suspicion
from streams.operations.reconcile.possible_ids import PossibleIds
from streams.operations.reconcile.second_look import Capture, unmoved
from streams.settings import FabricSettings, ToolSettings
from streams.stages.submission.record import ID_REUSED
from streams.stages.write_back import RowStatus

BATCH_SIZE = 5000
CLOCKS_DIFFER_BY = timedelta(minutes=1)

UNDER_WAY = "under way"
"""In place of a row's status, if the command has not come to its end."""

LEDGER_AWAY = "the ledger could not be asked"
CAPTURE_BEHIND = "rows that capture has not come to yet"

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """`signers`: the identities whose keys are used for asking; the first reads the chain. `progress`: told each step.

    With `asks_ledger` each finding is asked about, under every identity; otherwise the chain alone is compared, and
    without `fabric` not even that.
    """

    parties: Parties
    fabric: FabricSettings | None
    signers: tuple[str, ...]
    window: Window
    submitted_for: timedelta
    capture_patience_s: float
    asks_ledger: bool = True
    progress: Progress = _silent

    @classmethod
    def of(cls, settings: ToolSettings, window: Window, *, progress: Progress = _silent) -> Reconciliation:
        """Of the line in the settings, with every identity. Raises SettingsInvalid, RoutesInvalid."""
        parties = parties_of(settings)
        return cls(
            parties=parties,
            fabric=settings.fabric,
            signers=parties.identities,
            window=window,
            submitted_for=timedelta(seconds=settings.fabric.settle_s),
            capture_patience_s=settings.reconcile.capture_patience_s,
            progress=progress,
        )

    async def run(self, notebook: Notebook) -> Report:
        """The findings are in the notebook. Raises psycopg.Error, KafkaException, CredentialsInvalid."""
        began_at, not_judged = datetime.now(UTC), Counter[str]()
        self.progress("reading rows and topics")
        gathered = await asyncio.to_thread(gather, self.parties, self.window, notebook)
        self.progress(f"comparing {gathered.rows} rows")
        possible = PossibleIds.of(self.fabric, self.parties.identities) if self.fabric else None
        await asyncio.to_thread(judge_all, notebook, self._limits(gathered), possible)
        with psycopg.connect(self.parties.dsn, connect_timeout=5, autocommit=True) as connection:
            capture = Capture(
                connection, self.parties, gathered.log_position, began_at - CLOCKS_DIFFER_BY, self.capture_patience_s
            )
            async with self._gateways() as gateways:
                transactions = await self._against_ledger(notebook, gateways, possible, connection, not_judged)
                if transactions is None:
                    not_judged[LEDGER_AWAY] = max(1, gathered.rows)
                standing = (
                    one for one in unmoved(connection, self.parties, notebook.suspicions()) if capture.has_missed(one)
                )
                asked = gateways if self.asks_ledger else {}
                async for findings in answered(standing, asked, self.parties.bootstrap_servers):
                    notebook.write_findings(findings)
            not_judged[CAPTURE_BEHIND] += capture.waiting
        kinds, remedies = notebook.counts()
        return Report(
            window=self.window,
            counts=kinds,
            remedies=remedies,
            not_judged=+not_judged,
            rows=gathered.rows,
            transactions=transactions or 0,
        )

    @asynccontextmanager
    async def _gateways(self) -> AsyncIterator[dict[str, Gateway]]:
        if self.fabric is None:
            yield {}
            return
        async with AsyncExitStack() as stack:
            yield {name: await stack.enter_async_context(connect(self.fabric, name)) for name in self.signers}

    async def _against_ledger(
        self,
        notebook: Notebook,
        gateways: Mapping[str, Gateway],
        possible: PossibleIds | None,
        connection: psycopg.Connection[tuple[object, ...]],
        not_judged: Counter[str],
    ) -> int | None:
        """How many VALID transactions were read; None: the ledger was away, so that no row was compared with it."""
        if possible is None:
            return 0
        gateway = gateways[self.signers[0]]
        self.progress("reading the chain")
        try:
            transactions = await read_chain(gateway, possible.channel, self.window, notebook)
            notebook.index()
            self.progress(f"comparing with {transactions} transactions")
            notebook.write_suspicions(_failed_but_valid(notebook))
            unproven = notebook.unproven_commits(milliseconds(self.window.until))
            async for one in commits_not_there(gateway, unproven):
                if isinstance(one, LedgerError):
                    not_judged[LEDGER_AWAY] += 1
                else:
                    notebook.write_suspicions([one])
            strangers = without_row(gateway, possible, connection, self.parties.profile, self.window, notebook)
            async for found in strangers:
                notebook.write_findings([found])
        except LedgerError as error:
            self.progress(f"the ledger cannot be asked: {error}")
            return None
        return transactions

    def _limits(self, gathered: Gathered) -> Limits:
        """A command's records may be a little younger than the row, and the clocks differ."""
        kept, began = gathered.kept_since, gathered.began_at
        return Limits(
            since_ms=milliseconds(self.window.since),
            until_ms=milliseconds(self.window.until),
            kept_since_ms=milliseconds(kept + CLOCKS_DIFFER_BY) if kept else 0,
            began_ms=milliseconds(began - CLOCKS_DIFFER_BY) if began else 0,
            submitted_before_ms=milliseconds(datetime.now(UTC) - self.submitted_for),
        )


def judge_all(notebook: Notebook, limits: Limits, possible: PossibleIds | None) -> None:
    """Every command; and the ids that commands can have whose rows are not COMMITTED."""
    suspicions: list[Suspicion] = []
    ids: list[tuple[str, str, str, int]] = []
    for facts in notebook.by_command():
        suspicions += judge(facts, limits)
        row = facts[0]
        is_open = row.source == Source.ROW and row.word != RowStatus.COMMITTED and row.note != ID_REUSED
        if possible is not None and is_open:
            status = UNDER_WAY if Evidence.of(facts).is_under_way(limits) else row.word
            ids += [(one, row.command_id, status, row.changed_at_ms or 0) for one in possible.of_command(facts)]
        if len(suspicions) + len(ids) >= BATCH_SIZE:
            _write(notebook, suspicions, ids)
            suspicions, ids = [], []
    _write(notebook, suspicions, ids)


def _write(notebook: Notebook, suspicions: list[Suspicion], ids: list[tuple[str, str, str, int]]) -> None:
    notebook.write_suspicions(suspicions)
    notebook.write_possible(ids)


def _failed_but_valid(notebook: Notebook) -> Iterator[Suspicion]:
    for command_id, transaction_id, changed_at_ms, block in notebook.failed_and_valid():
        yield Suspicion(
            kind=Kind.FAILED_BUT_ON_LEDGER,
            command_id=command_id,
            transaction_id=transaction_id,
            status=RowStatus.FAILED,
            changed_at_ms=changed_at_ms,
            seen=f"the row is FAILED, the transaction VALID in block {block}",
            attempts=0,
        )
