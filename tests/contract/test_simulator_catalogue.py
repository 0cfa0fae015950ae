"""No row of the catalogue of measured answers is without a test."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
CATALOGUE: dict[str, dict[str, list[str] | dict[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "simulator_catalogue.toml").read_text()
)
ROWS = [(f"{section}: {row}", shown) for section, rows in CATALOGUE.items() for row, shown in rows.items()]


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


@pytest.mark.parametrize(("row", "shown"), ROWS, ids=[row for row, _ in ROWS])
def test_a_row_is_shown_by_tests_that_exist(row: str, shown: list[str] | dict[str, str]) -> None:
    if isinstance(shown, dict):
        assert shown["not_shown"]
        return
    assert shown, "a row without a test"
    for test in shown:
        file, _, name = test.partition("::")
        assert name in names_in(file), f"{test} is not there"


def test_every_section_of_the_catalogue_is_there() -> None:
    sections = ["good_path", "wrong_calls", "duplicates", "invalid", "parts", "open_outcomes", "streams", "blocks"]
    assert list(CATALOGUE) == sections
