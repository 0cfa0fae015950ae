"""A block settles what it can settle, and everything else is looked up."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime

import pytest

from streams.fabric.commits import Commits, Sighting
from streams.ledger import VALID

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAR = float("inf")
VALID_CODE, POLICY, MVCC, PHANTOM, DUPLICATE, BAD_ID, CHANGED = 0, 10, 11, 12, 9, 8, 5


@pytest.fixture
def commits() -> Commits:
    return Commits(lambda: NOW)


def sighting(code: str, block_number: int = 7) -> Sighting:
    return Sighting(code=code, block_number=block_number, seen_at=NOW)


@pytest.mark.parametrize(
    ("codes", "settled"),
    [
        ([VALID_CODE], VALID),
        ([VALID_CODE, DUPLICATE], VALID),
        ([POLICY, VALID_CODE], VALID),
        ([MVCC, VALID_CODE], VALID),
        ([BAD_ID, POLICY, VALID_CODE, DUPLICATE], VALID),
        ([MVCC], "MVCC_READ_CONFLICT"),
        ([POLICY, MVCC, DUPLICATE], "MVCC_READ_CONFLICT"),
        ([PHANTOM], "PHANTOM_READ_CONFLICT"),
    ],
)
async def test_a_block_settles_a_transaction(commits: Commits, codes: list[int], settled: str) -> None:
    expectation = commits.expect("t")
    commits.block(7, [("other", VALID_CODE), *(("t", code) for code in codes), ("", VALID_CODE)])
    assert await expectation.news(FAR) == sighting(settled)
    assert await expectation.news(FAR) == sighting(settled)
    assert expectation.has_several == (len(codes) > 1)


def test_who_expects_the_same_is_told_that_there_are_several_envelopes(commits: Commits) -> None:
    first, second, other = commits.expect("t"), commits.expect("t"), commits.expect("u")
    assert (first.has_several, second.has_several, other.has_several) == (True, True, False)


@pytest.mark.parametrize("codes", [[DUPLICATE], [POLICY], [BAD_ID], [BAD_ID, DUPLICATE], [CHANGED], [255], [99]])
async def test_a_code_that_does_not_settle_it_asks_for_a_look_up(commits: Commits, codes: list[int]) -> None:
    expectation = commits.expect("t")
    commits.block(7, [("t", code) for code in codes])
    assert await expectation.news(FAR) is None


async def test_the_news_come_later_too(commits: Commits) -> None:
    expectation = commits.expect("t")
    commits.gap()
    assert await expectation.news(FAR) is None
    waiting = asyncio.create_task(expectation.news(FAR))
    commits.block(6, [("other", VALID_CODE)])
    await asyncio.sleep(0)
    assert not waiting.done()
    commits.block(7, [("t", VALID_CODE)])
    assert await waiting == sighting(VALID)


async def test_two_who_expect_the_same_are_both_told(commits: Commits) -> None:
    first, second = commits.expect("t"), commits.expect("t")
    commits.block(7, [("t", VALID_CODE)])
    assert await first.news(FAR) == await second.news(FAR) == sighting(VALID)


async def test_a_doubt_reaches_everybody_who_waits(commits: Commits) -> None:
    first, second = commits.expect("t"), commits.expect("t")
    waiting = [asyncio.create_task(one.news(FAR)) for one in (first, second)]
    await asyncio.sleep(0)
    commits.gap()
    assert [await one for one in waiting] == [None, None]


async def test_the_wait_ends_at_its_deadline_and_can_be_taken_up_again(commits: Commits) -> None:
    expectation = commits.expect("t")
    with pytest.raises(TimeoutError):
        await expectation.news(asyncio.get_running_loop().time() + 0.01)
    commits.block(7, [("t", VALID_CODE)])
    assert await expectation.news(0) == sighting(VALID)


async def test_a_cancelled_wait_leaves_nothing_behind(commits: Commits) -> None:
    expectation = commits.expect("t")
    waiting = asyncio.create_task(expectation.news(FAR))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    commits.block(7, [("t", VALID_CODE)])
    assert await expectation.news(FAR) == sighting(VALID)


def test_a_repetition_is_remembered(commits: Commits) -> None:
    repeated, other = commits.expect("t"), commits.expect("u")
    commits.block(7, [("t", DUPLICATE), ("u", POLICY)])
    assert (repeated.is_repeated, other.is_repeated) == (True, False)


def test_what_nobody_expects_any_more_is_forgotten(commits: Commits) -> None:
    kept, dropped = commits.expect("kept"), commits.expect("dropped")
    assert len(commits) == 2
    del dropped
    gc.collect()
    assert len(commits) == 1
    del kept
    gc.collect()
    assert len(commits) == 0
