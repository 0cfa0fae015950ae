"""The pair that signs, followed in the wallet: a renewed certificate and key are taken up without a restart.

Somebody replaces two files, one after the other and not always at once. So a pair that cannot be used is looked at
again every second; only if it stays as it is, it is refused, once, and the pair in use goes on.

It does not go on for ever: another process of the identity may have taken up what this one refuses, and looks under the
certificate before only for commands created within the overlap. So half an overlap after the refused certificate
appeared, nothing younger is signed with the one in use; the other half is for wallets that get it later than others.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from streams.errors import CredentialsInvalid
from streams.fabric.previous import History, keep, read_history
from streams.fabric.wallet import CLOCKS_DIFFER_BY, Identity, load_identity, serialized_identity
from streams.telemetry import Event

LOOKED_AT_EVERY_S = 1.0
REPLACED_WITHIN_S = 5.0
"""How long the second file of a pair may take to follow the first one."""

_ROLES = frozenset({"client", "admin", "peer", "orderer"})

Tell = Callable[[Event, str], None]
_Seen = tuple[tuple[int, ...] | None, ...]


class Credentials:
    """`identity` signs now; `history` tells who may have signed before."""

    def __init__(
        self,
        wallet: Path,
        identity: Identity,
        *,
        now: Callable[[], datetime],
        tell: Tell,
        overlap: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self.history: History = read_history(wallet, identity, overlap)
        self._wallet = wallet
        self._now = now
        self._tell = tell
        self._overlap = overlap
        self._clock = clock
        self._taken: _Seen = self._look()
        self._waiting: _Seen | None = None
        self._waiting_since = 0.0
        self._refused: _Seen | None = None
        self._refused_creator: bytes | None = None
        self._limits: dict[bytes, datetime] = {}

    def signs_until(self, identity: Identity) -> datetime | None:
        """Only commands created before may be signed with this certificate, in use or replaced; None: all."""
        return self._limits.get(identity.certificate)

    def other_creators(self, created_at: datetime) -> tuple[bytes, ...]:
        """Who else may have signed a command that was created then: nobody, for a fresh one.

        A certificate that this process refused may be in use by another one.
        """
        earlier = self.history.creators(created_at)
        if self._refused_creator is None or self._refused != self._waiting:
            return earlier
        return (*earlier, self._refused_creator)

    async def follow(self) -> None:
        """Look at the files every second until cancelled."""
        self.keep()
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY_S)
            self.poll()

    def poll(self) -> None:
        """Take up the pair in the wallet if it is another one and can be used."""
        seen = self._look()
        if seen == self._taken:
            self._waiting = None
            self._unlimit()
            return
        if seen != self._waiting:
            self._waiting, self._waiting_since = seen, self._clock()
        try:
            renewed = load_identity(self._wallet, self.identity.name, self.identity.msp_id, now=self._now())
            _check(self._wallet / f"{renewed.name}-cert", self.identity, renewed)
        except Exception as problem:
            # Whatever is wrong with the new pair, also a certificate that the library cannot parse: the old one stays.
            self._limit()
            self._refuse(seen, problem)
            return
        if self._look() == seen:  # else it was replaced while it was read
            self._take(renewed, seen)

    def keep(self) -> None:
        """Have the wallet remember which certificates were used."""
        try:
            keep(self._wallet, self.identity, self.history)
        except OSError as error:
            self._tell(
                Event.CERTIFICATE_NOT_KEPT,
                f"{self._wallet}: the certificate in use cannot be noted ({error.strerror}); make the folder writable,"
                f" or put replaced certificates there as {self.identity.name}-cert.previous-1, -2, ... yourself",
            )

    def _take(self, renewed: Identity, seen: _Seen) -> None:
        self._taken, self._waiting = seen, None
        if renewed.certificate == self.identity.certificate:
            self._unlimit()
            return
        self.history = self.history.after(self.identity, self._now(), self._overlap)
        self.identity = renewed
        self._unlimit()
        self.keep()
        self._tell(
            Event.CERTIFICATE_RENEWED,
            f"{renewed.name} signs with the certificate valid until {renewed.not_after:%Y-%m-%d %H:%M:%S} UTC",
        )

    def _refuse(self, seen: _Seen, problem: Exception) -> None:
        if seen == self._refused or self._clock() - self._waiting_since < REPLACED_WITHIN_S:
            return
        self._refused = seen
        kept = "until then the certificate in use is kept"
        if (limit := self.signs_until(self.identity)) is not None:
            kept += f" for commands created before {limit:%Y-%m-%d %H:%M:%S} UTC"
        self._tell(Event.CERTIFICATE_REFUSED, f"{problem}; {kept}")

    def _limit(self) -> None:
        """Others may sign with what is in the wallet now, unless it is the same certificate, or one for later."""
        try:
            pem = (self._wallet / f"{self.identity.name}-cert").read_bytes()
            not_before = x509.load_pem_x509_certificate(pem).not_valid_before_utc
        except (OSError, ValueError):
            creator = None  # what the wallets of others hold cannot be known
        else:
            if pem == self.identity.certificate or not_before > self._now() + CLOCKS_DIFFER_BY:
                self._unlimit()
                return
            creator = serialized_identity(self.identity.msp_id, pem)
        self._refused_creator = creator
        self._limits.setdefault(self.identity.certificate, self._now() + self._overlap / 2)

    def _unlimit(self) -> None:
        """The wallet holds no certificate that others may sign with and this process may not."""
        self._refused_creator = None
        self._limits.pop(self.identity.certificate, None)

    def _look(self) -> _Seen:
        name = self.identity.name
        return tuple(_stamp(self._wallet / f"{name}-{part}") for part in ("cert", "key"))


def not_in_use(wallet: Path, identity: Identity) -> str | None:
    """What the wallet's pair `identity` waits for; None: workers sign with it, or have signed with none yet.

    Raises CredentialsInvalid when a running worker refuses it.
    """
    file = wallet / f"{identity.name}-cert"
    in_use = file.with_name(f"{file.name}.in-use")
    if not in_use.exists() or (certificate := in_use.read_bytes()) == identity.certificate:
        return None
    _check(file, replace(identity, certificate=certificate), identity)
    return f"{file} is not in use yet, {in_use.name} is: a running worker takes it up within seconds"


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Changes whenever the file is written, replaced or made readable."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _check(file: Path, current: Identity, renewed: Identity) -> None:
    """Whether it is the same client's certificate of the same authority. Raises CredentialsInvalid."""
    old, new = (x509.load_pem_x509_certificate(identity.certificate) for identity in (current, renewed))
    for what, of_old, of_new in (
        ("issuer", old.issuer.rfc4514_string(), new.issuer.rfc4514_string()),
        ("AuthorityKeyIdentifier, the issuer's key,", _authority_key(old), _authority_key(new)),
        ("common name", _subject(old, NameOID.COMMON_NAME), _subject(new, NameOID.COMMON_NAME)),
        # A network without node OUs asks for none: only one that is there may not get lost.
        ("role (OU)", _role(old), _role(new) if _role(old) else ""),
    ):
        if of_old != of_new:
            raise CredentialsInvalid(
                f"{file}: the new certificate's {what} is {of_new or 'missing'}, that of the one in use is"
                f" {of_old or 'missing'}; put the right one there, or restart if the change is meant"
            )


def _authority_key(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return ""
    return (found.key_identifier or b"").hex()


def _role(certificate: x509.Certificate) -> str:
    """The node OU that a peer reads the member's role from (msp/mspimplsetup.go); other units say nothing to it."""
    units = _subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME).split(", ")
    return ", ".join(sorted(_ROLES.intersection(units)))


def _subject(certificate: x509.Certificate, part: x509.ObjectIdentifier) -> str:
    return ", ".join(str(name.value) for name in certificate.subject.get_attributes_for_oid(part))
