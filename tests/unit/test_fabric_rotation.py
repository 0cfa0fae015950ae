"""A new pair in the wallet is taken up when it can be used; a broken one is refused once and the old one goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_credentials import NOW, certificate, issued, pem, put
from watched_wallet import (
    CA,
    NAME,
    OVERLAP,
    Watched,
    another_role,
    expired,
    half_written,
    missing,
    not_yet_valid,
    open_key,
    other_authority,
    other_client,
    other_key_of_the_authority,
    unnamed_key_of_the_authority,
    without_role,
    wrong_key,
)

from streams.errors import CredentialsInvalid
from streams.fabric.previous import read_history
from streams.fabric.rotation import REPLACED_WITHIN_S
from streams.fabric.wallet import load_identity
from streams.telemetry import Event


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_new_pair_is_taken_up_and_the_old_certificate_is_kept(watched: Watched) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    renewed = issued(CA, key, NAME)
    put(watched.wallet, NAME, renewed, pem(key))
    assert watched.poll() == renewed
    assert watched.kept() == {f"{NAME}-cert.in-use": renewed, f"{NAME}-cert.previous-1": watched.first}
    assert [event for event, _ in watched.told] == [Event.CERTIFICATE_RENEWED]
    assert watched.credentials.identity.key.private_numbers() == key.private_numbers()


def test_no_key_is_ever_kept(watched: Watched) -> None:
    test_a_new_pair_is_taken_up_and_the_old_certificate_is_kept(watched)
    assert [file.name for file in watched.wallet.iterdir() if b"PRIVATE" in file.read_bytes()] == [f"{NAME}-key"]


@pytest.mark.parametrize("order", [("cert", "key"), ("key", "cert")])
def test_the_two_files_may_be_replaced_one_after_the_other(watched: Watched, order: tuple[str, str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    content = {"cert": issued(CA, key, NAME), "key": pem(key)}
    for part in order:
        assert watched.poll_for(int(REPLACED_WITHIN_S) - 1) == watched.first
        (watched.wallet / f"{NAME}-{part}").write_bytes(content[part])
    assert watched.poll() == content["cert"]
    assert [event for event, _ in watched.told] == [Event.CERTIFICATE_RENEWED]


def test_a_new_certificate_for_the_same_key_is_taken_up(watched: Watched) -> None:
    renewed = issued(CA, watched.key, NAME, serial=7)
    (watched.wallet / f"{NAME}-cert").write_bytes(renewed)
    assert watched.poll() == renewed


def test_other_units_than_the_role_may_change(watched: Watched) -> None:
    renewed = issued(CA, watched.key, NAME, units=["client", "department1"])
    (watched.wallet / f"{NAME}-cert").write_bytes(renewed)
    assert watched.poll() == renewed


def test_a_role_may_be_added_where_the_network_asked_for_none(tmp_path: Path) -> None:
    watched = Watched(tmp_path, units=[])
    renewed = issued(CA, watched.key, NAME)
    (watched.wallet / f"{NAME}-cert").write_bytes(renewed)
    assert watched.poll() == renewed


def test_files_that_are_written_again_change_nothing(watched: Watched) -> None:
    put(watched.wallet, NAME, watched.first, pem(watched.key))
    assert watched.poll_for(20) == watched.first
    assert (watched.told, list(watched.kept())) == ([], [f"{NAME}-cert.in-use"])


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (half_written, f"{NAME}-cert: not a PEM certificate"),
        (missing, f"{NAME}-key: no such file"),
        (wrong_key, "the key does not belong to the certificate"),
        (open_key, "run: chmod 600"),
        (not_yet_valid, "the certificate is not valid before 2026-01-02 00:00:00 UTC"),
        (expired, "the certificate expired at 2026-01-01 00:00:00 UTC"),
        (other_authority, "issuer is CN=ca.org2, that of the one in use is CN=ca.org1"),
        (other_key_of_the_authority, "AuthorityKeyIdentifier, the issuer's key, is "),
        (unnamed_key_of_the_authority, "AuthorityKeyIdentifier, the issuer's key, is missing, that of the one in use"),
        (other_client, "common name is org1-super-admin, that of the one in use is org1-admin"),
        (without_role, "role (OU) is missing, that of the one in use is client"),
        (another_role, "role (OU) is peer, that of the one in use is client"),
    ],
)
def test_a_pair_that_cannot_be_used_is_refused_in_one_line(
    watched: Watched, spoil: Callable[[Watched], None], complaint: str
) -> None:
    spoil(watched)
    assert watched.poll_for(30) == watched.first
    ((event, text),) = watched.told
    assert event is Event.CERTIFICATE_REFUSED
    assert complaint in text
    assert text.startswith(f"{watched.wallet}/")
    assert "the certificate in use is kept" in text
    assert list(watched.kept()) == [f"{NAME}-cert.in-use"]


def test_a_certificate_is_taken_up_when_its_time_has_come(watched: Watched) -> None:
    not_yet_valid(watched)
    watched.poll_for(10)
    watched.now = NOW + timedelta(days=2)
    assert watched.poll() == (watched.wallet / f"{NAME}-cert").read_bytes()


def test_a_wallet_that_cannot_be_written_is_told_and_the_previous_certificate_known_all_the_same(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("streams.fabric.rotation.keep", refuse)
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, serial=2))
    watched.poll()
    assert [event for event, _ in watched.told] == [Event.CERTIFICATE_NOT_KEPT, Event.CERTIFICATE_RENEWED]
    assert len(watched.credentials.history.creators(NOW)) == 1


def history_of(watched: Watched) -> list[bytes]:
    identity = load_identity(watched.wallet, NAME, "Org1MSP", now=NOW)
    return [one.certificate for one in read_history(watched.wallet, identity, OVERLAP).previous]


def test_a_certificate_replaced_while_nobody_watched_is_a_previous_one(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, serial=2))
    assert history_of(watched) == [watched.first]


def test_every_renewal_adds_one_and_a_return_removes_none(watched: Watched) -> None:
    renewals = [issued(CA, watched.key, NAME, serial=serial) for serial in (2, 3)]
    for renewed in (*renewals, renewals[0]):
        (watched.wallet / f"{NAME}-cert").write_bytes(renewed)
        assert watched.poll() == renewed
    assert history_of(watched) == [watched.first, renewals[1]]
    assert [watched.kept()[f"{NAME}-cert.previous-{number}"] for number in (1, 2, 3)] == [watched.first, *renewals]


def test_certificates_put_there_by_hand_count(watched: Watched) -> None:
    by_hand = certificate(watched.key)
    (watched.wallet / f"{NAME}-cert.previous-12").write_bytes(by_hand)
    (watched.wallet / f"{NAME}-cert.previous-x").write_bytes(b"not counted")
    (watched.wallet / f"{NAME}-other-cert.previous-1").write_bytes(b"another identity's")
    assert history_of(watched) == [by_hand]


def test_a_previous_certificate_that_cannot_be_read_is_named(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert.previous-1").write_bytes(b"junk")
    with pytest.raises(CredentialsInvalid, match="previous-1: not a certificate that can be read"):
        history_of(watched)


def test_only_what_was_created_before_the_renewal_can_have_an_earlier_signer(watched: Watched) -> None:
    (watched.wallet / f"{NAME}-cert").write_bytes(issued(CA, watched.key, NAME, serial=2))
    watched.poll()
    creators: Callable[[datetime], tuple[bytes, ...]] = watched.credentials.history.creators
    assert len(creators(NOW - timedelta(days=400))) == 1
    # Others take it up later, and clocks differ.
    assert len(creators(NOW + OVERLAP + timedelta(seconds=59))) == 1
    assert creators(NOW + OVERLAP + timedelta(seconds=60)) == ()


def test_an_expired_certificate_cannot_have_signed_what_was_created_later(watched: Watched) -> None:
    past = issued(CA, watched.key, NAME, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=5))
    (watched.wallet / f"{NAME}-cert.previous-1").write_bytes(past)
    identity = load_identity(watched.wallet, NAME, "Org1MSP", now=NOW)
    history = read_history(watched.wallet, identity, OVERLAP)
    assert len(history.creators(NOW - timedelta(days=6))) == 1
    assert history.creators(NOW - timedelta(days=5)) == ()
