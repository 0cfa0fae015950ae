"""What reconciliation costs: `python -m benchmarks.reconcile`.

A real Postgres with a million rows, a real Kafka with a million change events, a million routed commands and two
million outcomes of them; the VALID transactions are written into the notebook as if they had been read from the chain.
Every thousandth command lacks its outcomes, every thousandth its transaction: so much must be found.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from benchmarks.reconcile_line import (
    CDC_TOPIC,
    EVERY,
    IDENTITY,
    PAYLOAD,
    command_id,
    make_records,
    make_rows,
    outcome,
    routed,
    stack,
    transaction_id,
)
from streams.messages import Origin, OutcomeKind
from streams.operations.reconcile import facts
from streams.operations.reconcile.facts import Fact, Source, milliseconds
from streams.operations.reconcile.findings import Window
from streams.operations.reconcile.gather import Gathered, Parties, gather
from streams.operations.reconcile.judge import Limits
from streams.operations.reconcile.notebook import Notebook, open_notebook
from streams.operations.reconcile.possible_ids import PossibleIds
from streams.operations.reconcile.run import judge_all
from streams.postgres.profiles import load_profile

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print time and memory of each part; 1 if not exactly what was planted was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconcile", description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument(
        "--notebook-only", action="store_true", help="no Postgres, no Kafka: facts as if read from them"
    )
    given = parser.parse_args(arguments)
    found = notebook_only(given.commands) if given.notebook_only else whole(given.commands)
    print(f"{given.commands} commands, findings: {dict(found)}")
    planted = len(range(0, given.commands, EVERY))
    return 0 if found == {"final_row_without_outcome": planted, "unproven": planted, "strangers": 0} else 1


def whole(commands: int) -> Counter[str]:
    """With a real Postgres and a real Kafka."""
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as (dsn, bootstrap_servers):
        since = datetime.now(UTC).replace(microsecond=0) - timedelta(milliseconds=commands) - timedelta(minutes=10)
        parties = Parties(
            dsn=dsn,
            profile=load_profile("snake_case"),
            bootstrap_servers=bootstrap_servers,
            cdc_topic=CDC_TOPIC,
            slot="gx_outbox",
            identities=(IDENTITY,),
        )
        timed("made rows", lambda: make_rows(dsn, since, commands))
        maker = get_context("spawn").Process(target=make_records, args=(bootstrap_servers, since, commands))
        maker.start()  # of its own: its memory is not that of reconciliation
        timed("made records", maker.join)
        window = Window(since=since, until=datetime.now(UTC))
        with open_notebook() as notebook:
            gathered: Gathered = timed("gather", lambda: gather(parties, window, notebook))
            assert gathered.rows == commands
            return compare(window, notebook, commands)


def notebook_only(commands: int) -> Counter[str]:
    """What grows with the number of commands: the notebook."""
    until = datetime.now(UTC)
    since = until - timedelta(milliseconds=commands) - timedelta(minutes=10)
    with open_notebook() as notebook:
        timed("facts", lambda: notebook.write_facts(made_facts(since, commands)))
        return compare(Window(since=since, until=until), notebook, commands)


def made_facts(since: datetime, commands: int) -> Iterator[Fact]:
    """As gathered: row, event, routed command and, but for one in a thousand, two outcomes."""
    payload = hashlib.sha256(PAYLOAD.encode()).hexdigest()
    for number in range(commands):
        at, name = since + timedelta(milliseconds=number), command_id(number)
        at_ms, origin = milliseconds(at), Origin(topic=CDC_TOPIC, partition=0, offset=number)
        yield Fact(name, Source.ROW, "COMMITTED", at_ms, at_ms, transaction_id(number), 1, payload_sha256=payload)
        yield Fact(
            name, Source.EVENT, "TYPE", at_ms, payload_sha256=payload, topic=CDC_TOPIC, partition=0, offset=number
        )
        yield facts.of_routed(routed(number, at), origin, is_done=True)
        if number % EVERY:
            for kind in (OutcomeKind.SUBMITTED, OutcomeKind.COMMITTED):
                yield facts.of_outcome(outcome(number, kind, at), origin, is_done=True)


def compare(window: Window, notebook: Notebook, commands: int) -> Counter[str]:
    """Each part as one run makes it."""
    limits = Limits(
        since_ms=milliseconds(window.since),
        until_ms=milliseconds(window.until),
        kept_since_ms=0,
        began_ms=0,
        submitted_before_ms=milliseconds(window.until),
    )
    nobody = PossibleIds(secret=b"secret", channel="channel", chaincode="chaincode", creators={})
    timed("judge", lambda: judge_all(notebook, limits, nobody))
    timed("valid", lambda: notebook.write_valid(valid(commands)))
    timed("index", notebook.index)
    found = Counter[str](one.kind for one in notebook.suspicions())
    unproven = timed("commits unproven", lambda: sum(1 for _ in notebook.unproven_commits(limits.until_ms)))
    strangers = timed("strangers", lambda: sum(1 for _ in notebook.strangers()))
    found.update({"unproven": unproven, "strangers": strangers})
    return found


def timed(what: str, call: Callable[[], T]) -> T:
    """The call's result; prints how long it took and the most memory that this process ever had."""
    began_at = time.monotonic()
    result = call()
    print(f"{what:<22}{time.monotonic() - began_at:8.1f} s  {peak_mib():6.0f} MiB at most", flush=True)
    return result


def peak_mib() -> float:
    """Resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def valid(commands: int) -> Iterator[tuple[str, int]]:
    """All but one in a thousand."""
    return ((transaction_id(number), number // 100) for number in range(commands) if number % EVERY != 1)


if __name__ == "__main__":
    sys.exit(main())
