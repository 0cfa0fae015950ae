"""A certificate and a key, made for a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(key: ec.EllipticCurvePrivateKey, *, days: int = 30) -> bytes:
    """PEM; valid from the day before NOW until `days` after it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(min(NOW, NOW + timedelta(days=days)) - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class CertificateAuthority:
    """Its own key and name."""

    name: str
    key: ec.EllipticCurvePrivateKey


def authority(name: str) -> CertificateAuthority:
    return CertificateAuthority(name, ec.generate_private_key(ec.SECP256R1()))


def issued(
    by: CertificateAuthority,
    key: ec.EllipticCurvePrivateKey,
    name: str,
    *,
    serial: int = 1,
    not_before: datetime = NOW - timedelta(days=1),
    not_after: datetime = NOW + timedelta(days=30),
    units: Sequence[str] = ("client",),
    names_the_key: bool = True,
) -> bytes:
    """A client's certificate, PEM; `units` are its OUs."""
    common_name, issuer = (x509.NameAttribute(NameOID.COMMON_NAME, one) for one in (name, by.name))
    of_units = (x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*of_units, common_name]))
        .issuer_name(x509.Name([issuer]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if names_the_key:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS 8, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def put(folder: Path, name: str, certificate_pem: bytes, key_pem: bytes) -> None:
    """Into a wallet folder, the key for its owner only."""
    (folder / f"{name}-cert").write_bytes(certificate_pem)
    (folder / f"{name}-key").write_bytes(key_pem)
    (folder / f"{name}-key").chmod(0o600)
