"""What the submit worker tells Kafka: outcomes, dead letters, and how its breaker stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faust.exceptions import ProducerSendError

from streams.kafka import codecs
from streams.kafka.topics import BREAKERS, DEAD_LETTERS, RESULTS
from streams.messages import BreakerChange, DeadLetter, Outcome
from streams.telemetry import Event, logger
from streams.telemetry.metrics import Metrics
from streams.workers.faust_app import LineApp, publish


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes through the worker's producer, in the order of the calls for each command."""

    app: LineApp
    metrics: Metrics

    async def outcome(self, outcome: Outcome) -> None:
        """Returns when the brokers have it. Raises the producer's error: the worker must not go on without."""
        await (await self._send(outcome))
        self.metrics.outcome(outcome)

    async def report(self, outcome: Outcome) -> None:
        """News on the way to an outcome: handed over, not waited for; what becomes of it is not the command's fate."""
        try:
            await self._send(outcome)
        except ProducerSendError as error:
            logger().warning(Event.NEWS_NOT_SENT, command_id=outcome.command_id, cause=str(error))
        else:
            self.metrics.outcome(outcome)

    async def dead_letter(self, letter: DeadLetter) -> None:
        """Returns when the brokers have it. Raises the producer's error."""
        value, headers = codecs.DEAD_LETTERS.encode(letter), {"origin": str(letter.origin)}
        await (await publish(self.app, DEAD_LETTERS, letter.key, value, headers))
        self.metrics.dead_letter(letter.kind)

    async def breaker(self, change: BreakerChange) -> None:
        """News like `report`."""
        await self._breaker(change.identity, change.worker, codecs.BREAKERS.encode(change))

    async def no_breaker(self, identity: str, worker: str) -> None:
        """News like `report`: the worker ends, and its breaker with it."""
        await self._breaker(identity, worker, None)

    async def _breaker(self, identity: str, worker: str, value: bytes | None) -> None:
        try:
            await publish(self.app, BREAKERS, f"{identity}/{worker}".encode(), value, {})
        except ProducerSendError as error:
            logger().warning(Event.NEWS_NOT_SENT, cause=str(error))

    async def _send(self, outcome: Outcome) -> Any:
        key, headers = outcome.command_id.encode(), {"command_id": outcome.command_id}
        return await publish(self.app, RESULTS, key, codecs.OUTCOMES.encode(outcome), headers)
