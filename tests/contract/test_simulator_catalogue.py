"""No row of the catalogue of measured answers is without a test, or without a reason, on either kind of ledger."""

from __future__ import annotations

import ast
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from docs.catalogue import Row, read_catalogue
from docs.contract_results import LEDGERS

TESTS = Path(__file__).parent.parent
ROWS = read_catalogue(LEDGERS)
COUNTED = {
    "good_path": 17,
    "wrong_calls": 23,
    "duplicates": 11,
    "invalid": 5,
    "parts": 26,
    "open_outcomes": 3,
    "streams": 12,
    "blocks": 5,
}
"""As many as were measured: one that is left out is missed."""


@cache
def names_in(file: str) -> frozenset[str]:
    text = (TESTS / file).read_text()
    if file.endswith(".json"):
        return frozenset(json.loads(text))
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.name}")
def test_a_row_is_shown_by_tests_that_exist_or_has_a_reason(row: Row, ledger: str) -> None:
    shown = row.on[ledger]
    assert bool(shown.tests) != bool(shown.reason), "either tests or a reason"
    for test in shown.tests:
        file, _, name = test.partition("::")
        assert name in names_in(file), f"{test} is not there"


def test_no_row_of_what_was_measured_is_gone() -> None:
    assert Counter(row.section for row in ROWS) == COUNTED
