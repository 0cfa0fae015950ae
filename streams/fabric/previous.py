"""The certificates that an identity signed with before: under them its older transactions are found.

A transaction id depends on the certificate, so a renewal changes the ids of every command. Beside `<identity>-cert`
and `<identity>-key` a wallet keeps, without any key:

<identity>-cert.in-use       a copy of the certificate that transactions were signed with last
<identity>-cert.previous-1   the certificates before it, the oldest first
<identity>-cert.previous-2   ...

The client writes these files when it starts to sign with another certificate, also when that was put there while no
process ran. An operator whose wallet is read-only puts the previous certificates there himself.

Processes of one identity take a renewal up at different times. For as long as they may, the overlap, a command may be
signed by one of them with the certificate that another one does not use any more.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from streams.errors import CredentialsInvalid
from streams.fabric.wallet import CLOCKS_DIFFER_BY, Identity, serialized_identity

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """A certificate that is not used any more."""

    certificate: bytes
    creator: bytes
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The certificates before the current one; they may have signed commands created before `used_until`.

    That is one overlap later than this process began to use the current one.
    """

    previous: tuple[Previous, ...] = ()
    used_until: datetime = _NEVER

    def creators(self, created_at: datetime) -> tuple[bytes, ...]:
        """Who else may have signed a command that was created then; nobody, for a fresh one.

        An orderer takes nothing of an expired certificate (orderer/common/msgprocessor/expiration.go).
        """
        if created_at >= self.used_until:
            return ()
        return tuple(one.creator for one in self.previous if one.not_after > created_at)

    def after(self, replaced: Identity, now: datetime, overlap: timedelta) -> History:
        """The history once `replaced` is not used any more by this process."""
        last = Previous(certificate=replaced.certificate, creator=replaced.creator, not_after=replaced.not_after)
        others = tuple(one for one in self.previous if one.certificate != last.certificate)
        return History(previous=(*others, last), used_until=now + overlap + CLOCKS_DIFFER_BY)


def read_history(wallet: Path, identity: Identity, overlap: timedelta) -> History:
    """What the wallet knows of the time before the identity's certificate. Raises CredentialsInvalid."""
    files = [*_kept(wallet, identity.name), _in_use(wallet, identity.name)]
    found = {one.certificate: one for file in files if (one := _read(file, identity.msp_id)) is not None}
    found.pop(identity.certificate, None)
    if not found:
        return History()
    used_until = _in_use_since(wallet, identity) + overlap + CLOCKS_DIFFER_BY
    return History(previous=tuple(found.values()), used_until=used_until)


def certificates(wallet: Path, name: str, msp_id: str) -> tuple[bytes, ...]:
    """Every certificate that the wallet has of an identity: the current one, the one in use, the previous ones.

    Opens no key. Raises CredentialsInvalid.
    """
    files = [wallet / f"{name}-cert", _in_use(wallet, name), *_kept(wallet, name)]
    return tuple(dict.fromkeys(one.certificate for file in files if (one := _read(file, msp_id)) is not None))


def keep(wallet: Path, identity: Identity, history: History) -> None:
    """Put the previous certificates away, and note which one is in use now. Raises OSError.

    Several processes of one identity may do it at the same time.
    """
    in_use = _in_use(wallet, identity.name)
    if in_use.exists() and in_use.read_bytes() == identity.certificate:
        return
    for one in history.previous:
        _keep(wallet, identity.name, one.certificate)
    _write(in_use, identity.certificate)


def _keep(wallet: Path, name: str, certificate: bytes) -> None:
    """Under the next free number, unless it is there."""
    beside = _beside(_in_use(wallet, name), certificate)
    try:
        while True:
            kept = _kept(wallet, name)
            if any(file.read_bytes() == certificate for file in kept):
                return
            try:
                (wallet / f"{name}-cert.previous-{_number(kept[-1]) + 1 if kept else 1}").hardlink_to(beside)
            except FileExistsError:
                continue  # another process was first
            return
    finally:
        beside.unlink()


def _write(file: Path, content: bytes) -> None:
    """As a whole or not at all."""
    _beside(file, content).replace(file)


def _beside(file: Path, content: bytes) -> Path:
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(8)}")
    beside.write_bytes(content)
    return beside


def _in_use(wallet: Path, name: str) -> Path:
    return wallet / f"{name}-cert.in-use"


def _kept(wallet: Path, name: str) -> Sequence[Path]:
    """In the order of their numbers."""
    pattern = re.compile(re.escape(name) + r"-cert\.previous-\d+")
    return sorted((file for file in wallet.iterdir() if pattern.fullmatch(file.name)), key=_number)


def _number(file: Path) -> int:
    return int(file.name.rpartition("-")[2])


def _read(file: Path, msp_id: str) -> Previous | None:
    try:
        pem = file.read_bytes()
        not_after = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CredentialsInvalid(
            f"{file}: not a certificate that can be read; put the previous certificate there, byte for byte,"
            " or remove the file if no transaction was ever signed with it"
        ) from error
    return Previous(certificate=pem, creator=serialized_identity(msp_id, pem), not_after=not_after)


def _in_use_since(wallet: Path, identity: Identity) -> datetime:
    """No earlier than the certificate came into use.

    The time of a file's last change of status cannot be carried over from another file, as that of its content can.
    """
    changed = [identity.not_before]
    for file in (wallet / f"{identity.name}-cert", wallet / f"{identity.name}-key", _in_use(wallet, identity.name)):
        if file.exists():
            changed.append(datetime.fromtimestamp(file.stat().st_ctime, UTC))
    return max(changed)
