"""Suspicions -> Findings: the ledger is asked about each command that is left of a routed one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress

from streams.errors import UnreadableMessage
from streams.fabric.gateway import Gateway
from streams.kafka import codecs
from streams.kafka.places import records_at
from streams.kafka.reading import origin_of
from streams.messages import Origin, RoutedCommand
from streams.operations.reconcile.findings import Finding
from streams.operations.reconcile.kinds import Kind
from streams.operations.reconcile.notebook import Suspicion
from streams.operations.reconcile.remedies import finding
from streams.operations.reconcile.second_look import batches
from streams.operations.truth import truth, truth_of

AT_ONCE = 16
BATCH_SIZE = 400

_TOLD_BY_THE_LEDGER = frozenset(
    {
        Kind.EVENT_WITHOUT_OUTCOME,
        Kind.FINAL_ROW_WITHOUT_OUTCOME,
        Kind.OUTCOME_DISAGREES_WITH_ROW,
        Kind.ROW_PUT_BACK,
        Kind.SUBMITTED_LONG_AGO,
    }
)


async def answered(
    suspicions: Iterable[Suspicion], gateways: Mapping[str, Gateway], bootstrap_servers: str
) -> AsyncIterator[list[Finding]]:
    """In the given order, best that of the routed commands, a batch at a time. Without gateways nobody is asked."""
    for batch in batches(suspicions, BATCH_SIZE):
        wanted = {one.routed_at for one in batch if gateways and one.kind in _TOLD_BY_THE_LEDGER}
        places = sorted((place for place in wanted if place), key=lambda at: (at.topic, at.partition, at.offset))
        routed = await asyncio.to_thread(_routed, bootstrap_servers, places) if places else {}
        turns = asyncio.Semaphore(AT_ONCE)
        asked = (_answered(one, routed.get(one.routed_at), gateways, turns) for one in batch)
        yield await asyncio.gather(*asked)


async def _answered(
    suspicion: Suspicion, command: RoutedCommand | None, gateways: Mapping[str, Gateway], turns: asyncio.Semaphore
) -> Finding:
    if suspicion.may_be_sent and suspicion.transaction_id and gateways:
        async with turns:
            return finding(suspicion, None, await truth_of(gateways.values(), suspicion.transaction_id))
    if command is None:
        return finding(suspicion, None, None)
    async with turns:
        return finding(suspicion, command, await truth(gateways, command, suspicion.attempts))


def _routed(bootstrap_servers: str, places: Iterable[Origin]) -> dict[Origin | None, RoutedCommand]:
    found: dict[Origin | None, RoutedCommand] = {}
    for message in records_at(bootstrap_servers, places):
        with suppress(UnreadableMessage):
            found[origin_of(message)] = codecs.ROUTED_COMMANDS.decode(message.value())
    return found
