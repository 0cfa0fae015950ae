"""The wallet: one identity's certificate and key, as flat files `<identity>-cert` and `<identity>-key`.

The other files of an identity, without keys, are described in `streams.fabric.previous`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.msp import identities_pb2

from streams.errors import CredentialsInvalid

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CLOCKS_DIFFER_BY = timedelta(minutes=1)
"""How far two of the clocks that date commands, files and certificates may be apart."""
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signs. `certificate` is the PEM file byte for byte: the transaction id depends on every byte of it.

    `creator` is the serialised `msp.SerializedIdentity` that every proposal carries.
    """

    msp_id: str
    name: str
    certificate: bytes
    creator: bytes
    not_before: datetime
    not_after: datetime
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """ECDSA over SHA-256, DER, with the lower of the two possible S: peers refuse the other (bccsp/sw/ecdsa.go)."""
        signature = self.key.sign(message, _ECDSA_SHA256)
        r, s = decode_dss_signature(signature)
        return signature if s <= P256_ORDER - s else encode_dss_signature(r, P256_ORDER - s)


def load_identity(wallet: Path, name: str, msp_id: str, *, now: datetime) -> Identity:
    """The identity `name`; opens its two files and no other.

    Raises CredentialsInvalid, naming the file and what to do about it.
    """
    if name in {"", ".", ".."} or any(separator in name for separator in ("/", "\\", "\0")):
        raise CredentialsInvalid(f"identity name {name!r}: it must be a plain file name, without a path")
    certificate_file, key_file = wallet / f"{name}-cert", wallet / f"{name}-key"
    pem = _read(certificate_file)
    certificate = _certificate(certificate_file, pem)
    key = _key(key_file, read_private(key_file))
    if _public_bytes(key.public_key()) != _public_bytes(certificate.public_key()):
        raise CredentialsInvalid(
            f"{key_file}: the key does not belong to the certificate {certificate_file}; enrol the identity again"
            " or put the matching pair in place"
        )
    if certificate.not_valid_after_utc <= now:
        raise CredentialsInvalid(
            f"{certificate_file}: the certificate expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC;"
            " renew it"
        )
    if certificate.not_valid_before_utc > now + CLOCKS_DIFFER_BY:
        raise CredentialsInvalid(
            f"{certificate_file}: the certificate is not valid before"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC; put the one in place that is valid now"
        )
    return Identity(
        msp_id=msp_id,
        name=name,
        certificate=pem,
        creator=serialized_identity(msp_id, pem),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=key,
    )


def serialized_identity(msp_id: str, certificate: bytes) -> bytes:
    """The `msp.SerializedIdentity` of a PEM certificate: the creator that proposals carry and ids depend on."""
    creator: bytes = identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=certificate).SerializeToString()
    return creator


def read_private(file: Path) -> bytes:
    """The content of a file that only its owner may read. Raises CredentialsInvalid."""
    try:
        with file.open("rb") as opened:
            # Asked of the open file, so that it is the file that is read.
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise CredentialsInvalid(f"{file}: mode {mode:04o} lets others in; run: chmod 600 '{file}'")
            return opened.read()
    except OSError as error:
        raise CredentialsInvalid(_unreadable(file, error)) from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CredentialsInvalid(_unreadable(file, error)) from error


def _unreadable(file: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{file}: no such file; put it there, or correct the wallet folder or the identity's name"
    return f"{file}: cannot be read ({error.strerror}); give the user of this process read access"


def _certificate(file: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CredentialsInvalid(f"{file}: not a PEM certificate; put the identity's certificate there") from error


def _key(file: Path, pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CredentialsInvalid(f"{file}: not an unencrypted PEM private key; put the identity's key there") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CredentialsInvalid(f"{file}: not an ECDSA P-256 key; enrol the identity with such a key")
    return key


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
