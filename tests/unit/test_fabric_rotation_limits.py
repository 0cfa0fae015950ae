"""A process that refuses the certificate in its wallet does not sign with the one before for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fabric_credentials import NOW, issued
from watched_wallet import (
    CA,
    NAME,
    OVERLAP,
    Watched,
    expired,
    half_written,
    not_yet_valid,
    open_key,
    other_authority,
    other_client,
    wrong_key,
)

from streams.fabric.rotation import REPLACED_WITHIN_S
from streams.fabric.wallet import serialized_identity

HALF = OVERLAP / 2


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def limit(watched: Watched) -> datetime | None:
    return watched.credentials.signs_until(watched.credentials.identity)


@pytest.mark.parametrize("spoil", [half_written, expired, other_authority, other_client])
def test_half_an_overlap_after_a_certificate_was_refused_the_one_in_use_signs_nothing_younger(
    watched: Watched, spoil: Callable[[Watched], None]
) -> None:
    spoil(watched)
    watched.poll()
    watched.now += timedelta(hours=1)
    watched.poll_for(30)
    assert limit(watched) == NOW + HALF
    assert "is kept for commands created before 2026-01-01 00:05:00 UTC" in watched.told[0][1]


@pytest.mark.parametrize("spoil", [wrong_key, open_key, not_yet_valid])
def test_a_certificate_that_nobody_else_can_have_replaced_is_kept(
    watched: Watched, spoil: Callable[[Watched], None]
) -> None:
    """Every process signs with the same certificate, or refuses one that is for later."""
    spoil(watched)
    watched.poll_for(30)
    assert limit(watched) is None


def test_a_refused_certificate_is_looked_up_too(watched: Watched) -> None:
    """A process that was started meanwhile may have taken it up, and committed under it."""
    other_authority(watched)
    watched.poll()
    assert watched.credentials.other_creators(NOW) == ()  # its other half may follow
    watched.poll_for(int(REPLACED_WITHIN_S))
    refused = serialized_identity("Org1MSP", (watched.wallet / f"{NAME}-cert").read_bytes())
    assert watched.credentials.other_creators(NOW + timedelta(days=1)) == (refused,)


def test_with_the_right_pair_in_place_everything_is_signed_again(watched: Watched) -> None:
    other_authority(watched)
    watched.poll_for(30)
    (watched.wallet / f"{NAME}-cert").write_bytes(watched.first)
    assert watched.poll() == watched.first
    assert (limit(watched), watched.credentials.other_creators(NOW)) == (None, ())


def test_a_certificate_that_was_left_late_keeps_its_limit(watched: Watched) -> None:
    """A proposal that was made with it is still in hand."""
    other_authority(watched)
    watched.poll_for(30)
    left = watched.credentials.identity
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, serial=2))
    watched.poll()
    assert (limit(watched), watched.credentials.signs_until(left)) == (None, NOW + HALF)
