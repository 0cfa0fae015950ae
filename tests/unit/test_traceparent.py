"""A trace context is carried when others would take it for one, and never in anybody's way."""

from __future__ import annotations

import asyncio

import pytest

from streams.telemetry.traceparent import HEADER, carried, carrying, from_headers, is_well_formed

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize("text", [GOOD, f"00-{TRACE}-{SPAN}-00", f"01-{TRACE}-{SPAN}-01-what-comes-later"])
def test_a_trace_context_of_the_standard_is_well_formed(text: str) -> None:
    assert is_well_formed(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "traceparent",
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"01-{TRACE}-{SPAN}-01-{'x' * 1000}",
        f"00-{TRACE}-{SPAN}-٠١",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_well_formed(text)


@pytest.mark.parametrize(
    "headers",
    [[("origin", b"x"), (HEADER, GOOD.encode())], {HEADER: GOOD.encode()}, [(HEADER, GOOD)]],
    ids=["aiokafka", "Faust", "text"],
)
def test_it_is_found_in_the_headers_of_each_client(headers: object) -> None:
    assert from_headers(headers) == GOOD  # type: ignore[arg-type]


@pytest.mark.parametrize("headers", [None, [], {}, [("origin", b"x")], [(HEADER, None)]])
def test_a_record_without_one_carries_none(headers: object) -> None:
    assert from_headers(headers) is None  # type: ignore[arg-type]


def test_headers_that_are_not_text_harm_nobody() -> None:
    assert not is_well_formed(from_headers([(HEADER, b"\xff\xfe")]) or "")


async def test_each_task_carries_its_own() -> None:
    seen: dict[str, dict[str, str]] = {}

    async def work(name: str, traceparent: str | None) -> None:
        with carrying(traceparent):
            await asyncio.sleep(0)
            seen[name] = carried()

    await asyncio.gather(work("traced", GOOD), work("untraced", None))
    assert seen == {"traced": {HEADER: GOOD}, "untraced": {}}
    assert carried() == {}
