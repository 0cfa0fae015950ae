"""Open dead letters are counted exactly, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.monitor.open_letters import OpenLetters

KINDS = ("bug", "refused")


def state(letters: OpenLetters) -> dict[str, tuple[int, float | None]]:
    return {kind: (letters.count(kind), letters.oldest_s(kind)) for kind in KINDS}


def test_letters_are_counted_by_kind_with_the_time_of_the_oldest() -> None:
    letters = OpenLetters(KINDS)
    assert state(letters) == {"bug": (0, None), "refused": (0, None)}
    for offset, kind in ((3, "refused"), (4, "bug"), (7, "refused")):
        letters.add(offset, kind, offset * 10.0)
    assert state(letters) == {"bug": (1, 40.0), "refused": (2, 30.0)}
    assert letters.next_offset == 8


def test_a_letter_that_was_dealt_with_or_removed_does_not_count() -> None:
    letters = OpenLetters(KINDS)
    for offset in range(10):
        letters.add(offset, "bug", float(offset))
    letters.close(0)
    letters.close(5)
    letters.close(99)
    assert state(letters)["bug"] == (8, 1.0)
    letters.drop_before(6)
    assert state(letters)["bug"] == (4, 6.0)
    letters.close(2)
    letters.drop_before(99)
    assert state(letters)["bug"] == (0, None)


def test_an_offset_counts_once() -> None:
    letters = OpenLetters(KINDS)
    letters.add(1, "bug", 1.0)
    letters.close(1)
    letters.add(1, "bug", 1.0)
    assert state(letters)["bug"] == (0, None)


def test_beyond_the_bound_the_oldest_are_forgotten() -> None:
    letters = OpenLetters(KINDS, most=3)
    for offset in range(100):
        letters.add(offset, "bug", float(offset))
    assert state(letters)["bug"] == (3, 97.0)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 40), st.sampled_from(KINDS)),
            st.tuples(st.just("close"), st.integers(0, 40), st.just("")),
            st.tuples(st.just("drop"), st.integers(0, 40), st.just("")),
        )
    )
)
def test_it_tells_what_a_plain_table_tells(steps: list[tuple[str, int, str]]) -> None:
    letters, table, newest = OpenLetters(KINDS), dict[int, str](), -1
    for step, offset, kind in steps:
        if step == "add" and offset > newest:
            letters.add(offset, kind, float(offset))
            table[offset], newest = kind, offset
        elif step == "close":
            letters.close(offset)
            table.pop(offset, None)
        elif step == "drop":
            letters.drop_before(offset)
            table = {at: found for at, found in table.items() if at >= offset}
    for kind in KINDS:
        left = [at for at, found in table.items() if found == kind]
        assert letters.count(kind) == len(left)
        assert letters.oldest_s(kind) == (float(min(left)) if left else None)
