"""Nothing is written to a network of somebody's unless it was meant."""

from __future__ import annotations

import pytest
from external_network import MEANT, REQUIRED, WORD, missing_network

from streams.settings import PREFIX


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As in the environment of a line in production."""
    monkeypatch.delenv(WORD, raising=False)
    for name in REQUIRED:
        monkeypatch.setenv(name, "of the line")
    return monkeypatch


def test_the_settings_alone_are_not_enough(exported: pytest.MonkeyPatch) -> None:
    assert missing_network() == f"no network was given for tests: that takes {WORD}={MEANT} and {', '.join(REQUIRED)}"


def test_the_word_alone_is_not_enough(exported: pytest.MonkeyPatch) -> None:
    exported.setenv(WORD, MEANT)
    for name in REQUIRED:
        exported.delenv(name)
    assert missing_network() != ""


def test_another_word_is_not_enough(exported: pytest.MonkeyPatch) -> None:
    exported.setenv(WORD, "native")
    assert missing_network() != ""


def test_settings_and_word_name_a_network(exported: pytest.MonkeyPatch) -> None:
    exported.setenv(WORD, MEANT)
    assert missing_network() == ""


def test_the_word_is_no_setting() -> None:
    assert not WORD.startswith(PREFIX)
