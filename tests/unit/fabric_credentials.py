"""A certificate and a key, made for a test."""

from __future__ import annotations

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
