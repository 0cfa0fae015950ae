"""What the ledger itself says of the commands of a test."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from running_line import RunningLine

from streams.demo.proof import fabric_settings
from streams.demo.verify import OnLedger, possible_transaction_ids, wrong_on_ledger
from streams.errors import UnreadableMessage
from streams.fabric.envelopes import BlockEntry
from streams.fabric.gateway import Gateway, connect
from streams.kafka import codecs
from streams.kafka.reading import read_since
from streams.kafka.topics import RESULTS, commands_topic
from streams.ledger import VALID
from streams.messages import RoutedCommand
from streams.postgres.rows import Row


@asynccontextmanager
async def gateways(line: RunningLine) -> AsyncIterator[dict[str, Gateway]]:
    """One per identity."""
    settings = fabric_settings(line.line)
    async with AsyncExitStack() as stack:
        yield {
            identity: await stack.enter_async_context(connect(settings, identity))
            for identity in line.line.routes.identities
        }


async def height(line: RunningLine) -> int:
    """The number of the block that comes next."""
    async with gateways(line) as by_identity:
        return await next(iter(by_identity.values())).height()


async def entries(line: RunningLine, first_block: int) -> list[BlockEntry]:
    """Every transaction from that block on, in the order of the ledger."""
    async with gateways(line) as by_identity:
        gateway = next(iter(by_identity.values()))
        return [entry for n in range(first_block, await gateway.height()) for entry in await gateway.block(n)]


async def wrong(line: RunningLine, rows: Mapping[str, Row], since: datetime, first_block: int) -> list[str]:
    """One line per command whose VALID transactions are not what its row says, and per transaction of nobody.

    `since` and `first_block` were taken before the first of the commands was inserted, when nothing was under way.
    """
    found = await entries(line, first_block)
    chain = OnLedger(
        valid=Counter(entry.transaction_id for entry in found if entry.code == VALID),
        invalid=Counter(entry.code for entry in found if entry.code != VALID),
    )
    async with gateways(line) as by_identity:
        ids = possible_transaction_ids(by_identity, routed(line, since), attempts(line, since))
    return list(wrong_on_ledger(rows, {i: ids[i] for i in rows if i in ids}, chain))


async def supply(line: RunningLine) -> dict[str, int]:
    """All money ever made, and all that the accounts hold."""
    async with gateways(line) as by_identity:
        answer = await next(iter(by_identity.values())).evaluate("TokenomicsContract:GetTotalSupply", [])
    counted: dict[str, int] = json.loads(answer)
    return counted


def routed(line: RunningLine, since: datetime) -> dict[str, RoutedCommand]:
    """By command id."""
    return {command.command_id: command for command in _routed(line, since)}


def _routed(line: RunningLine, since: datetime) -> Iterator[RoutedCommand]:
    for identity in line.line.routes.identities:
        for message in read_since(line.bootstrap_servers, commands_topic(identity), since):
            try:
                yield codecs.ROUTED_COMMANDS.decode(message.value())
            except UnreadableMessage:
                continue  # put there by a test


def attempts(line: RunningLine, since: datetime) -> Counter[str]:
    """The largest number of attempts that an outcome names, by command id."""
    most: Counter[str] = Counter()
    for message in read_since(line.bootstrap_servers, RESULTS, since):
        try:
            outcome = codecs.OUTCOMES.decode(message.value())
        except UnreadableMessage:
            continue  # put there by a test
        most[outcome.command_id] = max(most[outcome.command_id], outcome.attempts)
    return most
