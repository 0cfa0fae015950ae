"""Every transaction id that attempts of a command can have: recomputed, not asked for. Opens no signing key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from streams.fabric import ids
from streams.fabric.scan import creators
from streams.operations.reconcile.facts import Fact, Source
from streams.settings import FabricSettings

_COUNTING_ATTEMPTS = frozenset({Source.ROW, Source.OUTCOME, Source.LETTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleIds:
    """`creators`: identity -> the creators of its certificates, current and earlier ones."""

    secret: bytes
    channel: str
    chaincode: str
    creators: Mapping[str, tuple[bytes, ...]]

    @classmethod
    def of(cls, settings: FabricSettings, identities: Iterable[str]) -> PossibleIds:
        """As far as the wallet knows. Raises CredentialsInvalid."""
        return cls(
            secret=ids.load_secret(settings.nonce_secret_file),
            channel=settings.channel,
            chaincode=settings.chaincode,
            creators={name: creators(settings.wallet, name, settings.msp_id) for name in identities},
        )

    def signed_by_us(self, creator: bytes) -> str | None:
        """The identity whose certificate this is."""
        return next((name for name, known in self.creators.items() if creator in known), None)

    def of_command(self, facts: Sequence[Fact]) -> Iterator[str]:
        """Of every revision and attempt that is told of and the attempt after those, under every certificate."""
        routed = [fact for fact in facts if fact.source == Source.ROUTED]
        identities = {fact.word for fact in routed} or self.creators.keys()
        attempts = 1 + max(fact.number for fact in facts if fact.source in _COUNTING_ATTEMPTS)
        known = [creator for identity in identities for creator in self.creators.get(identity, ())]
        for revision, attempt in product({0, *(fact.number for fact in routed)}, range(attempts)):
            nonce = ids.nonce(
                self.secret,
                channel=self.channel,
                chaincode=self.chaincode,
                command_id=facts[0].command_id,
                revision=revision,
                attempt=attempt,
            )
            yield from (ids.transaction_id(nonce, creator) for creator in known)
