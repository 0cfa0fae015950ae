"""Source `wallet`: when the identities' certificates expire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.fabric.expiry import expiries
from streams.monitor.metrics import Sample, sample


@dataclass(frozen=True, slots=True)
class Certificates:
    """Those in the folder `wallet` at the time; a renewal is seen the next time."""

    wallet: Path

    def collect(self) -> Iterator[Sample]:
        """Raises CredentialsInvalid when the folder or a certificate cannot be read."""
        for identity, expires_at in expiries(self.wallet).items():
            yield sample("outbox_identity_cert_expiry_timestamp_seconds", expires_at.timestamp(), identity=identity)
