"""Certificate authorities and what they issue, made at the first start and kept for the next ones.

All keys are ECDSA P-256. A client's role travels as the attribute `gxc_role` in the extension that fabric-ca writes.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from streams.chaincode.attributes import ATTRIBUTES_OID

SERVER_NAMES = ("localhost", "peer0.org1.example.com")

_LIFETIME = timedelta(days=3650)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as a client sends it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, PKCS 8, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """A certificate authority."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    @property
    def certificate(self) -> x509.Certificate:
        """The root that its certificates chain to."""
        return self._credential.certificate

    @classmethod
    def make(cls, name: str) -> Authority:
        """A new authority with a certificate that signs itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = _builder(subject, subject, key.public_key(), now - _CLOCK_SKEW, now + _LIFETIME)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(certificates=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return cls(Credential(certificate=builder.sign(key, hashes.SHA256()), key=key))

    @classmethod
    def at(cls, folder: Path, name: str) -> Authority:
        """The authority kept in `folder`, made there at the first call."""
        kept = _read(folder, "ca")
        if kept is not None:
            return cls(kept)
        made = cls.make(name)
        write_credential(folder, "ca", made._credential)
        return made

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate carries this authority's signature."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def issue(
        self,
        name: str,
        unit: str,
        *,
        attributes: Mapping[str, str] | None = None,
        server_names: Sequence[str] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """A certificate for `name`; `unit` (OU) is what Fabric's node OUs read the role from: client, peer, ..."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        now = datetime.now(UTC)
        builder = _builder(
            subject,
            self.certificate.subject,
            key.public_key(),
            not_before or now - _CLOCK_SKEW,
            not_after or now + _LIFETIME - _CLOCK_SKEW,
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(certificates=False), critical=True)
        builder = builder.add_extension(self._key_identifier(), critical=False)
        if attributes is not None:
            value = json.dumps({"attrs": dict(attributes)}).encode()
            builder = builder.add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, value), critical=False)
        if server_names:
            builder = builder.add_extension(_alternative_names(server_names), critical=False)
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(usage, critical=False)
        return Credential(certificate=builder.sign(self._credential.key, hashes.SHA256()), key=key)

    def kept(self, folder: Path, name: str, unit: str, *, server_names: Sequence[str] = ()) -> Credential:
        """The credential kept in `folder` under `name`, issued at the first call."""
        kept = _read(folder, name)
        if kept is not None:
            return kept
        issued = self.issue(name, unit, server_names=server_names)
        write_credential(folder, name, issued)
        return issued

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        identifier = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def write_credential(folder: Path, name: str, credential: Credential) -> None:
    """Write `<name>-key` (mode 0600), then `<name>-cert`: where a certificate is, its key is too."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / f"{name}-key", credential.key_pem, mode=0o600)
    write_file(folder / f"{name}-cert", credential.certificate_pem, mode=0o644)


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Put the file there as a whole or not at all, never readable by more than `mode` says."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def _read(folder: Path, name: str) -> Credential | None:
    if not (folder / f"{name}-cert").exists():
        return None
    key = load_pem_private_key((folder / f"{name}-key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{folder / name}-key is not an elliptic-curve key")
    return Credential(certificate=x509.load_pem_x509_certificate((folder / f"{name}-cert").read_bytes()), key=key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(server_names: Sequence[str]) -> x509.SubjectAlternativeName:
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return x509.SubjectAlternativeName([*(x509.DNSName(name) for name in server_names), loopback])
