"""What runs beside the calls is begun again when it fails, and not without a word."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from streams.fabric.following import follow
from streams.telemetry import Event


async def test_what_failed_is_told_and_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.fabric.following.BEGUN_AGAIN_AFTER_S", 0)
    runs, goes_on = 0, asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("nobody expected this")
        goes_on.set()
        await asyncio.Event().wait()

    with capture_logs() as lines:
        following = asyncio.create_task(follow("wallet", run))
        async with asyncio.timeout(5):
            await goes_on.wait()
        following.cancel()
        await asyncio.wait([following])
    assert following.cancelled()
    assert [(line["event"], line["what"], line["log_level"]) for line in lines] == [
        (Event.FOLLOWING_FAILED, "wallet", "error")
    ] * 2


async def test_it_ends_when_it_is_cancelled_also_if_that_is_hidden() -> None:
    """As grpc.aio does, when an answer and a cancellation cross."""
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            raise ValueError("hidden") from cancelled

    following = asyncio.create_task(follow("blocks", run))
    await begun.wait()
    following.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([following])
    assert following.cancelled()
