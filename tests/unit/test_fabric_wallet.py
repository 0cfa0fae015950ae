"""An identity is loaded from its own two files, and every way in which that can go wrong is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fabric_credentials import NOW, certificate, pem, put
from fabric_protos.msp import identities_pb2

from streams.errors import CredentialsInvalid
from streams.fabric.wallet import P256_ORDER, Identity, load_identity

KEY = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE = certificate(KEY)


@pytest.fixture
def wallet(tmp_path: Path) -> Path:
    put(tmp_path, "org1-admin", CERTIFICATE, pem(KEY))
    return tmp_path


def load(wallet: Path, name: str = "org1-admin") -> Identity:
    return load_identity(wallet, name, "Org1MSP", now=NOW)


def test_the_creator_holds_the_certificate_byte_for_byte(wallet: Path) -> None:
    crlf = CERTIFICATE.replace(b"\n", b"\r\n") + b"\r\n"
    (wallet / "org1-admin-cert").write_bytes(crlf)
    identity = load(wallet)
    creator = identities_pb2.SerializedIdentity.FromString(identity.creator)
    assert (creator.mspid, creator.id_bytes) == ("Org1MSP", crlf)
    assert identity.certificate == crlf


def test_the_certificate_tells_how_long_it_is_valid(wallet: Path) -> None:
    identity = load(wallet)
    assert (identity.not_before, identity.not_after) == (NOW - timedelta(days=1), NOW + timedelta(days=30))


def test_signatures_verify_and_have_the_lower_s(wallet: Path) -> None:
    identity = load(wallet)
    for number in range(32):
        message = b"message %d" % number
        signature = identity.sign(message)
        KEY.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        assert decode_dss_signature(signature)[1] <= P256_ORDER // 2


def test_the_key_is_not_shown(wallet: Path) -> None:
    assert "key=" not in repr(load(wallet))


def test_the_keys_of_other_identities_are_not_opened(wallet: Path) -> None:
    put(wallet, "org1-partner-api", b"junk", b"junk")
    (wallet / "org1-partner-api-key").chmod(0o644)
    assert load(wallet).name == "org1-admin"


@pytest.mark.parametrize("name", ["", ".", "..", "../org1-admin", "a/b", "/org1-admin", "a\\b"])
def test_a_name_with_a_path_is_refused(wallet: Path, name: str) -> None:
    with pytest.raises(CredentialsInvalid, match="plain file name"):
        load(wallet, name)


@pytest.mark.parametrize("file", ["org1-admin-cert", "org1-admin-key"])
def test_a_missing_file_is_named(wallet: Path, file: str) -> None:
    (wallet / file).unlink()
    with pytest.raises(CredentialsInvalid, match=f"{file}: no such file; put it there"):
        load(wallet)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_that_others_may_read_is_refused(wallet: Path, mode: int) -> None:
    (wallet / "org1-admin-key").chmod(mode)
    with pytest.raises(CredentialsInvalid, match=r"org1-admin-key: mode .* run: chmod 600"):
        load(wallet)


def _junk_certificate(wallet: Path) -> None:
    (wallet / "org1-admin-cert").write_bytes(b"junk")


def _junk_key(wallet: Path) -> None:
    (wallet / "org1-admin-key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def _other_key(wallet: Path) -> None:
    (wallet / "org1-admin-key").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))


def _other_curve(wallet: Path) -> None:
    (wallet / "org1-admin-key").write_bytes(pem(ec.generate_private_key(ec.SECP384R1())))


def _expired(wallet: Path) -> None:
    (wallet / "org1-admin-cert").write_bytes(certificate(KEY, days=0))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_junk_certificate, "org1-admin-cert: not a PEM certificate"),
        (_junk_key, "org1-admin-key: not an unencrypted PEM private key"),
        (_other_key, "org1-admin-key: the key does not belong to the certificate .*org1-admin-cert"),
        (_other_curve, "org1-admin-key: not an ECDSA P-256 key"),
        (_expired, "org1-admin-cert: the certificate expired at 2026-01-01 00:00:00 UTC; renew it"),
    ],
)
def test_what_cannot_be_used_is_refused(wallet: Path, spoil: Callable[[Path], None], complaint: str) -> None:
    spoil(wallet)
    with pytest.raises(CredentialsInvalid, match=complaint):
        load(wallet)


def test_a_certificate_for_later_is_refused_but_clocks_may_differ(wallet: Path) -> None:
    day_before = NOW - timedelta(days=1)  # the certificate's first
    assert load_identity(wallet, "org1-admin", "Org1MSP", now=day_before - timedelta(minutes=1))
    with pytest.raises(
        CredentialsInvalid, match="org1-admin-cert: the certificate is not valid before 2025-12-31 00:00"
    ):
        load_identity(wallet, "org1-admin", "Org1MSP", now=day_before - timedelta(minutes=2))
