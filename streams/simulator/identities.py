"""Membership: from the bytes of a creator to who that is, and whether a signature is theirs.

As Fabric's MSP with node OUs (msp/mspimpl.go, bccsp/sw/ecdsa.go). Expiry is not part of it, because the parts of a real
network do not agree on it either: ask `Identity.has_expired` where the real part does.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2
from google.protobuf.message import DecodeError

from streams.chaincode.attributes import attributes_of
from streams.simulator.certificates import Authority

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
WRITERS = frozenset({"client", "admin"})
READERS = frozenset({"client", "admin", "peer"})
ENDORSERS = frozenset({"peer"})

_UNITS = frozenset({"client", "admin", "peer", "orderer"})
_REMEMBERED = 20_000
_DIGEST_SIGNATURE = ec.ECDSA(Prehashed(hashes.SHA256()))


class UnknownIdentity(Exception):
    """Not a member of any organisation of the channel."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identity:
    """A member. `unit` is its node OU (client, admin, peer, orderer), `attributes` those of fabric-ca.

    `not_after_s` is when its certificate runs out, in seconds since 1970.
    """

    serialized: bytes
    msp_id: str
    name: str
    unit: str
    attributes: Mapping[str, str]
    not_after_s: float
    public_key: ec.EllipticCurvePublicKey


def _has_expired(identity: Identity) -> bool:
    return identity.not_after_s < time.time()


class Membership:
    """The organisations of the channel.

    Identities and good signatures are remembered by their bytes: the orderer and every committing peer look at the
    same envelope, and a verification costs a hundred times more than a look-up.
    """

    def __init__(
        self, authorities: Mapping[str, Authority], has_expired: Callable[[Identity], bool] = _has_expired
    ) -> None:
        self._authorities = authorities
        self.has_expired = has_expired
        self._identities: dict[bytes, Identity] = {}
        self._verified: set[tuple[Identity, bytes, bytes]] = set()

    def identify(self, serialized: bytes) -> Identity:
        """The member behind a msp.SerializedIdentity. Raises UnknownIdentity."""
        known = self._identities.get(serialized)
        if known is None:
            known = self._read(serialized)
            if len(self._identities) >= _REMEMBERED:
                self._identities.clear()
            self._identities[serialized] = known
        return known

    def verify(self, identity: Identity, signature: bytes, *message: bytes) -> bool:
        """Whether `signature` (DER) is the identity's over the joined `message`, with the low S that Fabric demands."""
        digest = hashlib.sha256(b"".join(message)).digest()
        key = (identity, signature, digest)
        if key in self._verified:
            return True
        if not _is_low_s(signature):
            return False
        try:
            identity.public_key.verify(signature, digest, _DIGEST_SIGNATURE)
        except InvalidSignature:
            return False
        self._remember(key)
        return True

    def signer(self, serialized: bytes, key: ec.EllipticCurvePrivateKey) -> Signer:
        """The signing side of a member of this process, whose signatures need no second look.

        What was signed here with the certificate's own key verifies, so `verify` may remember it as if it had checked;
        other bytes, or another signature, are not remembered. Raises UnknownIdentity, or ValueError for another key.
        """
        identity = self.identify(serialized)
        if identity.public_key.public_numbers() != key.public_key().public_numbers():
            raise ValueError(f"the key is not that of the certificate of {identity.name}")
        return Signer(serialized, key, lambda signature, digest: self._remember((identity, signature, digest)))

    def _remember(self, key: tuple[Identity, bytes, bytes]) -> None:
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified.add(key)

    def signed_by(
        self, creator: bytes, signature: bytes, message: bytes, units: Iterable[str], *, unexpired: bool = False
    ) -> bool:
        """Whether a member of one of `units` signed: a policy such as Writers, evaluated."""
        try:
            identity = self.identify(creator)
        except UnknownIdentity:
            return False
        if identity.unit not in units or (unexpired and self.has_expired(identity)):
            return False
        return self.verify(identity, signature, message)

    def _read(self, serialized: bytes) -> Identity:
        try:
            claimed = identities_pb2.SerializedIdentity.FromString(serialized)
            certificate = x509.load_pem_x509_certificate(claimed.id_bytes)
            attributes = attributes_of(certificate)
        except (DecodeError, ValueError) as error:
            raise UnknownIdentity("the creator is not a certificate") from error
        authority = self._authorities.get(claimed.mspid)
        if authority is None or not authority.issued(certificate):
            raise UnknownIdentity(f"the certificate is not of an organisation {claimed.mspid} of this channel")
        public_key = certificate.public_key()
        units = set(_UNITS).intersection(_subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME))
        names = _subject(certificate, NameOID.COMMON_NAME)
        if len(units) != 1 or not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise UnknownIdentity("the certificate names no role, or has a key of another kind")
        return Identity(
            serialized=serialized,
            msp_id=claimed.mspid,
            name=names[0] if names else "",
            unit=units.pop(),
            attributes=attributes,
            not_after_s=certificate.not_valid_after_utc.timestamp(),
            public_key=public_key,
        )


class Signer:
    """A signing side; `made` is told signature and digest of each signature."""

    def __init__(
        self,
        serialized: bytes,
        key: ec.EllipticCurvePrivateKey,
        made: Callable[[bytes, bytes], None] = lambda _signature, _digest: None,
    ) -> None:
        self.serialized = serialized
        self._key = key
        self._made = made

    def sign(self, *message: bytes) -> bytes:
        """A low-S DER signature over the joined `message`."""
        digest = hashlib.sha256(b"".join(message)).digest()
        signature = low_s(self._key.sign(digest, _DIGEST_SIGNATURE))
        self._made(signature, digest)
        return signature


def serialize(msp_id: str, certificate_pem: bytes) -> bytes:
    """The creator bytes of a certificate: msp.SerializedIdentity."""
    return bytes(identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=certificate_pem).SerializeToString())


def low_s(signature: bytes) -> bytes:
    """The one of the two equivalent signatures that Fabric accepts."""
    r, s = decode_dss_signature(signature)
    return signature if s <= P256_ORDER // 2 else encode_dss_signature(r, P256_ORDER - s)


def _is_low_s(signature: bytes) -> bool:
    try:
        _, s = decode_dss_signature(signature)
    except ValueError:
        return False
    return s <= P256_ORDER // 2


def _subject(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]
