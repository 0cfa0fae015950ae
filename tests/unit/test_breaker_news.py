"""The newest state of a breaker is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from streams.breaker import BreakerState
from streams.messages import BreakerChange
from streams.workers import breaker_news
from streams.workers.breaker_news import BreakerNews

AT = datetime(2026, 1, 2, tzinfo=UTC)


async def test_the_newest_state_is_published_and_what_it_overtook_is_not() -> None:
    published: list[BreakerChange] = []
    is_published = asyncio.Event()

    async def publish(change: BreakerChange) -> None:
        published.append(change)
        is_published.set()

    news = BreakerNews(publish, identity="org1-admin", worker="w", now=lambda: AT)
    running = asyncio.create_task(news.run())
    news.begin()
    await asyncio.wait_for(is_published.wait(), 10)
    is_published.clear()
    news.changed(BreakerState.OPEN, "PEER_UNAVAILABLE: refused")
    news.changed(BreakerState.PROBING, "PEER_UNAVAILABLE: refused")
    await asyncio.wait_for(is_published.wait(), 10)
    running.cancel()
    assert [(change.state, change.cause) for change in published] == [
        ("closed", ""),
        ("probing", "PEER_UNAVAILABLE: refused"),
    ]
    assert {(change.identity, change.worker, change.happened_at) for change in published} == {("org1-admin", "w", AT)}


async def test_what_has_not_changed_is_told_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_news, "TOLD_AGAIN_S", 0.001)
    published: list[BreakerChange] = []
    is_told_again = asyncio.Event()

    async def publish(change: BreakerChange) -> None:
        published.append(change)
        if len(published) == 3:
            is_told_again.set()

    news = BreakerNews(publish, identity="org1-admin", worker="w", now=lambda: AT)
    running = asyncio.create_task(news.run())
    news.begin()
    await asyncio.wait_for(is_told_again.wait(), 10)
    running.cancel()
    assert {change.state for change in published} == {"closed"}
