"""What one submit worker carries, with 2 s blocks of 500: `make bench-submit`.

    python -m benchmarks.submit [--commands N] [SCENARIO ...]

throughput   commands of independent keys that lie ready in the topic
lone         a command at a time, against the same calls by the bare client
slow-keys    throughput with 1 % of the keys taking 10 s each, against the same without them, in turns
hot-accounts transfers among 50 accounts, with and without the payee named as a key: read conflicts
tenants      a tenant with 10 commands behind one with 10,000, on a ledger that takes 250 a second

Everything runs on this machine at once: broker, network, worker.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.submit_line import Answer, Bench, Scenario, bench
from streams.fabric.gateway import Gateway, connect
from streams.messages import RoutedCommand

BLOCK_S, BLOCK_SIZE = 2.0, 500
LARGE_BLOCK = 5000
"""Never filled by a window of 500: a block every 2 s, 250 commands a second at most."""
SHORT_BLOCK_S = 0.2
GOAL_PER_S, GOAL_LONE_MS, GOAL_SLOW_PERCENT, GOAL_CONFLICTS_PERCENT = 250, 100, 5, 1


def throughput(line: Bench, commands: int) -> None:
    rate = _rate_beside(line, commands, slow_share=0.0)
    print(f"throughput      {rate:,.0f} commands/s (goal: at least {GOAL_PER_S})")


def slow_keys(line: Bench, commands: int) -> None:
    pairs = [(_rate_beside(line, commands, 0.0), _rate_beside(line, commands, 0.01)) for _ in range(3)]
    without, with_slow = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    less = statistics.median(100 * (1 - slow / plain) for plain, slow in pairs)
    told = ", ".join(f"{slow:,.0f} for {plain:,.0f}" for plain, slow in pairs)
    print(
        f"slow keys       {with_slow:,.0f} commands/s of the others beside 1 % slow ones, {without:,.0f} without: "
        f"{less:+.1f} % less (goal: at most {GOAL_SLOW_PERCENT}; {told})"
    )


def lone(line: Bench, commands: int) -> None:
    with line.scenario("lone", BLOCK_S) as scenario, scenario.work():
        direct_ms, carried_ms = asyncio.run(_one_at_a_time(scenario))
    added = statistics.median(carried_ms) - statistics.median(direct_ms)
    print(
        f"lone command    {added:+.0f} ms beside the {statistics.median(direct_ms):,.0f} ms that the ledger needs "
        f"(goal: at most {GOAL_LONE_MS})"
    )


def hot_accounts(line: Bench, commands: int) -> None:
    for touches in (False, True):
        conflicts, rate = _transfers(line, min(commands, 400), touches)
        named = "payee named  " if touches else "payer only   "
        goal = f" (goal: under {GOAL_CONFLICTS_PERCENT})" if touches else ""
        print(f"hot accounts    {named} {conflicts:5.1f} % read conflicts{goal}, {rate:,.0f} transfers/s")


def tenants(line: Bench, commands: int) -> None:
    many, few = 10_000, 10
    with line.scenario("tenants", BLOCK_S, block_size=LARGE_BLOCK) as scenario:
        large = [scenario.command("write", f"l{n}", key=f"l{n}", tenant="large") for n in range(many)]
        small = [scenario.command("write", f"s{n}", key=f"s{n}", tenant="small") for n in range(few)]
        scenario.produce([*large, *small])
        with scenario.work():
            scenario.until_idle()
        answers = scenario.answers()
    last = max(_committed_at(answers[command.command_id]) for command in small)
    before = sum(_committed_at(answers[command.command_id]) <= last for command in large)
    print(f"tenants         {few} behind {many:,}: done when {before:,} of the others were")


def _rate_beside(line: Bench, commands: int, slow_share: float) -> float:
    """Commands a second of those that are not slow."""
    every = round(1 / slow_share) if slow_share else commands + 1
    with line.scenario("load", BLOCK_S) as scenario:
        made = [
            scenario.command("slow" if number % every == every - 1 else "write", f"k{number}", key=f"k{number}")
            for number in range(commands)
        ]
        scenario.produce(made)
        with scenario.work():
            scenario.until_idle()
        answers = scenario.answers()
    _require_all(made, answers)
    return _rate(answers[command.command_id] for command in made if command.function == "write")


async def _one_at_a_time(scenario: Scenario) -> tuple[list[float], list[float]]:
    """Milliseconds of single commands: by the client alone, and through topic, worker and results."""
    direct_ms, carried_ms = [], []
    async with connect(scenario.fabric, scenario.identity) as gateway:
        for number in range(11):
            direct_ms.append(await _directly(gateway, scenario.command("write", f"d{number}", key=f"d{number}")))
            command = scenario.command("write", f"c{number}", key=f"c{number}")
            await asyncio.to_thread(scenario.produce, [command])
            await asyncio.to_thread(scenario.until_idle, 0.05)
            told_at = scenario.answers()[command.command_id].told_at
            carried_ms.append(_ms(command.created_at, told_at))
    return direct_ms[1:], carried_ms[1:]  # the first ones open connections


async def _directly(gateway: Gateway, command: RoutedCommand) -> float:
    began_at = datetime.now(UTC)
    commit = await (await gateway.propose(command, 0).endorse()).submit()
    return _ms(began_at, (await commit.status()).seen_at)


def _transfers(line: Bench, commands: int, touches: bool) -> tuple[float, float]:
    """(share of the transactions that conflicted, percent; transfers a second)."""
    chance = random.Random(7)
    with line.scenario("transfers", SHORT_BLOCK_S) as scenario:
        made = []
        for _ in range(commands):
            payer, payee = (f"account {number}" for number in chance.sample(range(50), 2))
            keys = (payee,) if touches else ()
            made.append(scenario.command("transfer", payer, payee, key=payer, touches=keys))
        scenario.produce(made)
        with scenario.work():
            scenario.until_idle()
        answers = scenario.answers()
    _require_all(made, answers)
    attempts = sum(answer.outcome.attempts for answer in answers.values())
    return 100 * (attempts - commands) / attempts, _rate(answers.values())


def _require_all(made: Iterable[RoutedCommand], answers: dict[str, Answer]) -> None:
    missing = sum(command.command_id not in answers for command in made)
    if missing:
        raise SystemExit(f"{missing} commands were not committed")


def _rate(answers: Iterable[Answer]) -> float:
    found = list(answers)
    began = min(answer.outcome.stages["taken"] for answer in found)
    return len(found) / (max(map(_committed_at, found)) - began).total_seconds()


def _committed_at(answer: Answer) -> datetime:
    return answer.outcome.stages["committed"]


def _ms(began_at: datetime, ended_at: datetime) -> float:
    return (ended_at - began_at).total_seconds() * 1000


SCENARIOS: dict[str, Callable[[Bench, int], None]] = {
    "throughput": throughput,
    "lone": lone,
    "slow-keys": slow_keys,
    "hot-accounts": hot_accounts,
    "tenants": tenants,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.submit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commands", type=int, default=5000)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="; ".join(SCENARIOS))
    given = parser.parse_args()
    unknown = sorted(set(given.scenarios) - SCENARIOS.keys())
    if unknown:
        parser.error(f"no scenario is called {unknown[0]}: choose from {', '.join(SCENARIOS)}")
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as line:
        for name in given.scenarios or SCENARIOS:
            SCENARIOS[name](line, given.commands)
    return 0


if __name__ == "__main__":
    sys.exit(main())
