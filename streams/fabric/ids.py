"""Transaction ids that can be computed again after any crash, and by nobody else.

Fabric: transaction id = lowercase hex of sha256(nonce || creator) (protoutil/proputils.go, ComputeTxID). The nonce
is keyed with a secret because an id that can be predicted can be taken by any writer of the channel.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from streams.errors import CredentialsInvalid
from streams.fabric.wallet import read_private

DOMAIN = "outbox-streams nonce 1"
SHORTEST_SECRET_BYTES = 32


def nonce(secret: bytes, *, channel: str, chaincode: str, command_id: str, revision: int, attempt: int) -> bytes:
    """The nonce of one attempt of one revision of a command, 32 bytes."""
    fields = (command_id, str(revision), str(attempt))
    return hmac.digest(secret, _of_chaincode(channel, chaincode) + b"".join(map(_length_prefixed, fields)), "sha256")


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """The id that a peer computes from a proposal with this nonce and creator."""
    return hashlib.sha256(nonce + creator).hexdigest()


def create_secret(file: Path) -> None:
    """Write 32 random bytes in hex into `file` with mode 0600, unless it is there. Raises CredentialsInvalid.

    Once for a deployment: two processes with different secrets give one command two transaction ids. Whoever loses
    the file loses the knowledge of every id handed out: it belongs into the backup.
    """
    if not file.exists():
        _create(file)


def load_secret(file: Path) -> bytes:
    """The secret in `file`, without white space around it.

    Raises CredentialsInvalid if the file is missing, others may read it, or the secret is shorter than 32 bytes.
    """
    if not file.exists():
        raise CredentialsInvalid(
            f"{file}: no nonce secret there; every process needs the same one: put the deployment's file there,"
            f" or make the first with: streams nonce-secret {file}"
        )
    secret = read_private(file).strip()
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise CredentialsInvalid(
            f"{file}: the secret has {len(secret)} bytes, {SHORTEST_SECRET_BYTES} are needed;"
            " restore it from the backup, or remove the file before the first command to have one made"
        )
    return secret


def _create(file: Path) -> None:
    """Write beside, then link: of several processes starting at once one wins, and none reads half a secret."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(secrets.token_hex(SHORTEST_SECRET_BYTES).encode())
            opened.flush()
            os.fsync(opened.fileno())
        _link(beside, file)
    except OSError as error:
        raise CredentialsInvalid(
            f"{file}: the secret cannot be created ({error.strerror}); create its folder, writable for this process,"
            " or put the secret there"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _link(beside: Path, file: Path) -> None:
    try:
        file.hardlink_to(beside)
    except FileExistsError:
        return  # another process was first: its secret counts
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@lru_cache(maxsize=8)
def _of_chaincode(channel: str, chaincode: str) -> bytes:
    """What all nonces of a chaincode begin with."""
    return b"".join(map(_length_prefixed, (DOMAIN, channel, chaincode)))


def _length_prefixed(field: str) -> bytes:
    encoded = field.encode()
    return len(encoded).to_bytes(4, "big") + encoded
