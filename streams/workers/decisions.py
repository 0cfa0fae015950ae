"""What operators decide, followed: the topics `controls` and `operator-actions`, from their beginning and for ever.

A thread of its own reads, because confluent-kafka blocks; what it reads takes effect in the worker's event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.errors import UnreadableMessage
from streams.kafka import codecs
from streams.kafka.reading import origin_of
from streams.kafka.topics import CONTROLS, OPERATOR_ACTIONS
from streams.telemetry import Event, logger
from streams.workers.pauses import Pauses
from streams.workers.resolved import Resolved

POLL_S = 0.2
ASK_AGAIN_S = 1.0
ANSWER_WITHIN_S = 2.0
_TOPICS = (CONTROLS, OPERATOR_ACTIONS)


class Decisions:
    """Feeds `pauses` and `resolved`; until all that there was at the start is known, no command may be started."""

    def __init__(self, bootstrap_servers: str, pauses: Pauses, resolved: Resolved) -> None:
        self._bootstrap_servers = bootstrap_servers
        self.pauses, self.resolved = pauses, resolved
        self._known = asyncio.Event()
        self._stop = threading.Event()

    @property
    def is_known(self) -> bool:
        """What was decided before the start is known."""
        return self._known.is_set()

    async def known(self) -> None:
        """Return when it is, however long Kafka cannot be asked."""
        await self._known.wait()

    @asynccontextmanager
    async def followed(self, crash: Callable[[BaseException], Awaitable[None]]) -> AsyncIterator[None]:
        """Follow the topics until the context is left; `crash` is told what ends the thread before."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                self._follow(loop)
            except Exception as error:
                asyncio.run_coroutine_threadsafe(_tell(crash, error), loop)

        thread = threading.Thread(target=work, name="decisions", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.to_thread(thread.join)

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap_servers,
                "group.id": "decisions",  # required by the library; nothing is ever committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": False,
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
            }
        )
        with closing(consumer):
            if not self._assigned(consumer):
                return
            unread = set(_TOPICS)
            while not self._stop.is_set():
                message = consumer.poll(POLL_S)
                if message is None:
                    continue
                if message.error() is None:
                    self._take(message, loop)
                elif message.error().code() == KafkaError._PARTITION_EOF and unread:
                    unread.discard(message.topic())
                    if not unread:
                        loop.call_soon_threadsafe(self._known.set)

    def _assigned(self, consumer: Consumer) -> bool:
        """Both topics, each of one partition, from their beginning; False: the worker ended first."""
        has_told = False
        while not self._stop.is_set():
            try:
                there = consumer.list_topics(timeout=ANSWER_WITHIN_S).topics
                missing = [name for name in _TOPICS if name not in there]
                if not missing:
                    consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING) for name in _TOPICS])
                    return True
                cause = f"topics missing: {', '.join(missing)}; make them with: streams topics"
            except KafkaException as error:
                cause = str(error)
            if not has_told:
                logger().warning(Event.DECISIONS_NOT_KNOWN, cause=cause)
                has_told = True
            self._stop.wait(ASK_AGAIN_S)
        return False

    def _take(self, message: Message, loop: asyncio.AbstractEventLoop) -> None:
        """What is neither a control nor a resolution is no business of a worker.

        Raises UnknownSchema for a control of another version: whoever does not know what is paused must not go on.
        """
        try:
            if message.topic() == CONTROLS:
                loop.call_soon_threadsafe(self.pauses.note, codecs.LANE_CONTROLS.decode(message.value()))
            elif codecs.LETTER_RESOLUTIONS.wrote(message.value()):
                loop.call_soon_threadsafe(self.resolved.note, codecs.LETTER_RESOLUTIONS.decode(message.value()))
        except UnreadableMessage as error:
            logger().error(Event.MESSAGE_UNREADABLE, origin=str(origin_of(message)), cause=str(error))


async def _tell(crash: Callable[[BaseException], Awaitable[None]], error: Exception) -> None:
    await crash(error)
