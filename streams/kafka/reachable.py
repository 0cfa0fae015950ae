"""Waiting for the brokers before anything is asked of them that fails without an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.telemetry import Event, logger

ANSWERS_WITHIN_S = 5.0
PAUSE_S = 1.0


async def until_kafka_answers(bootstrap_servers: str, is_over: Callable[[], bool]) -> None:
    """Returns when a broker tells of its topics, or when nobody waits any longer; says once why it waits."""
    admin, is_told = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0}), False
    while not is_over():
        try:
            await asyncio.to_thread(admin.list_topics, timeout=ANSWERS_WITHIN_S)
        except KafkaException as error:
            if not is_told:
                logger().warning(Event.KAFKA_UNAVAILABLE, cause=str(error))
                is_told = True
            await asyncio.sleep(PAUSE_S)
        else:
            return
