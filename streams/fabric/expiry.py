"""When the certificates of a wallet expire. Keys are not read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509

from streams.errors import CredentialsInvalid

_CERTIFICATE = "-cert"
_NO_IDENTITIES = frozenset({"tlsca"})


def expiries(wallet: Path) -> dict[str, datetime]:
    """Identity -> end of its certificate, of every `<identity>-cert` in the folder; the file of the TLS CA is none.

    Raises CredentialsInvalid naming the folder or the file that cannot be read.
    """
    try:
        files = sorted(file for file in wallet.iterdir() if file.name.endswith(_CERTIFICATE))
        found = {file.name.removesuffix(_CERTIFICATE): (file, file.read_bytes()) for file in files}
    except OSError as error:
        raise CredentialsInvalid(f"{error.filename or wallet}: cannot be read ({error.strerror})") from error
    return {name: _end(*file) for name, file in found.items() if name not in _NO_IDENTITIES}


def _end(file: Path, pem: bytes) -> datetime:
    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError as error:
        raise CredentialsInvalid(f"{file}: not a PEM certificate") from error
