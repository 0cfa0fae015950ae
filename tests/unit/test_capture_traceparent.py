"""The optional column with the trace context of the service: read where it is, and never in a command's way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_capture import NAMES, ORIGIN, ROW, change
from traces import TRACEPARENT

from streams.stages.capture import capture

WITH_IT = {**{name: name for name in NAMES}, "traceparent": "trace_parent"}
WITHOUT_IT = {name: name for name in NAMES}


def captured(row: dict[str, Any], columns: dict[str, str]) -> str | None:
    value = json.dumps(change(after={**ROW, **row})).encode()
    return capture(value, origin=ORIGIN, columns=columns).traceparent


def test_the_column_that_the_profile_names_is_read() -> None:
    assert captured({"trace_parent": TRACEPARENT}, WITH_IT) == TRACEPARENT


@pytest.mark.parametrize("row", [{}, {"trace_parent": None}, {"trace_parent": 5}, {"traceparent": TRACEPARENT}])
def test_a_table_without_it_and_a_value_that_is_no_text_are_as_before(row: dict[str, Any]) -> None:
    assert captured(row, WITH_IT) is None


def test_a_profile_without_it_reads_nothing() -> None:
    assert captured({"traceparent": TRACEPARENT}, WITHOUT_IT) is None
