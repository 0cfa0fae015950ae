"""The demonstration from the first command to the verdict."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from rich.console import Console

from streams.demo.report import print_report
from streams.demo.run import play
from streams.demo.verify import OnLedger, possible_transaction_ids, read_chain, wrong_on_ledger, wrong_rows
from streams.fabric.gateway import connect
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import RESULTS, commands_topic
from streams.local.line import Line
from streams.messages import Outcome, RoutedCommand
from streams.settings import FabricSettings


async def prove(line: Line, console: Console) -> list[str]:
    """Play the script on a running line, print what became of it; what is not as it must be, one line each."""
    began_at = datetime.now(UTC)
    settings = fabric_settings(line)
    async with AsyncExitStack() as stack:
        gateways = {
            identity: await stack.enter_async_context(connect(settings, identity))
            for identity in line.routes.identities
        }
        gateway = next(iter(gateways.values()))
        first_block = await gateway.height()
        sent = await play(line, gateway, console)
        outcomes = _outcomes(line, began_at)
        print_report(console, sent, outcomes, line.routes)
        chain = await read_chain(gateway, first_block)
        attempts = Counter({outcome.command_id: outcome.attempts for outcome in outcomes})
        ids = possible_transaction_ids(gateways, _routed(line, began_at), attempts)
    _print_ledger(console, chain)
    return [*wrong_rows(sent), *wrong_on_ledger(sent.rows, ids, chain)]


def fabric_settings(line: Line) -> FabricSettings:
    """How the line's own processes reach the ledger."""
    prefix = "STREAMS_FABRIC__"
    given = {name: value for name, value in line.environment().items() if name.startswith(prefix)}
    return FabricSettings.model_validate({name.removeprefix(prefix).lower(): value for name, value in given.items()})


def _outcomes(line: Line, since: datetime) -> list[Outcome]:
    servers = line.stack.kafka.bootstrap_servers
    return [codecs.OUTCOMES.decode(message.value()) for message in read_since(servers, RESULTS, since)]


def _routed(line: Line, since: datetime) -> dict[str, RoutedCommand]:
    servers = line.stack.kafka.bootstrap_servers
    commands = (
        codecs.ROUTED_COMMANDS.decode(message.value())
        for identity in line.routes.identities
        for message in read_since(servers, commands_topic(identity), since)
    )
    return {command.command_id: command for command in commands}


def _print_ledger(console: Console, chain: OnLedger) -> None:
    invalid = ", ".join(f"{count} {code}" for code, count in sorted(chain.invalid.items())) or "none"
    console.print(f"\nledger: {chain.valid.total()} VALID transactions; not valid and tried anew: {invalid}")
