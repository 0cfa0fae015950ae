"""Parsing, writing and truth are JavaScript's: compared with what node answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.routes.javascript import Json, is_truthy, number_text, parse, stringify

RESULTS = json.loads((Path(__file__).parent / "javascript_results.json").read_text())


def number_of(text: str) -> float:
    number = parse(text)
    assert isinstance(number, float)
    return number


@pytest.mark.parametrize(("text", "expected"), RESULTS["numbers"])
def test_a_number_is_written_as_javascript_writes_it(text: str, expected: str) -> None:
    assert number_text(number_of(text)) == expected


def test_an_integer_beyond_the_doubles_is_infinity_however_it_is_written() -> None:
    assert number_text(number_of("1" + "0" * 400)) == "Infinity"
    assert stringify(parse("[-1" + "0" * 5000 + "]")) == "[null]"


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back_as_the_same_double(number: float) -> None:
    written = number_text(number)
    assert float(written) == number
    assert "e+0" not in written
    assert "e-0" not in written
    assert not written.endswith(".0")


@pytest.mark.parametrize(("text", "expected"), RESULTS["documents"])
def test_a_document_is_written_as_json_stringify_writes_it(text: str, expected: str) -> None:
    assert stringify(parse(text)) == expected


@pytest.mark.parametrize(("text", "expected"), RESULTS["truthy"])
def test_a_value_is_truthy_exactly_when_it_is_in_javascript(text: str, expected: bool) -> None:
    assert is_truthy(parse(text)) is expected


@pytest.mark.parametrize("text", RESULTS["refused"])
def test_what_json_parse_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_nesting_too_deep_to_read_is_a_value_error_and_what_can_be_read_can_be_written() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("[" * 100_000 + "]" * 100_000)
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    assert stringify(deep) == "[" * 100_001 + "]" * 100_001


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(json_values)
def test_what_is_written_is_json_and_reads_back_equal(value: Json) -> None:
    written = stringify(value)
    ordered = stringify(parse(written))
    assert json.loads(ordered, parse_constant=pytest.fail) == json.loads(written, parse_constant=pytest.fail)
    assert stringify(parse(ordered)) == ordered
