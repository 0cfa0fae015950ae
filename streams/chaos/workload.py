"""What is sent: a seed gives the same commands in the same order, and how each must end.

Nearly every command carries its id in an argument, so that a checker finds its transactions by their content.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.chaos.checker.evidence import End
from streams.demo.payloads import COIN, Names, Payload

USERS, VAULTS = 40, 8
HOT = 3
"""Of the users, those that pay or are paid in a third of the transfers."""

FUND = "SYSTEM_OPERATIONS_FUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A command to insert."""

    command_id: str
    command_type: str
    payload: object
    end: End


class Workload:
    """`preparation()` first, phase by phase, each to its end; then `next()` without end."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  to be repeated, not to be secret
        self._names = Names(seed)
        self.users = [self._names.user_id("MY") for _ in range(USERS)]
        self.vaults = [self._names.user_id("MY") for _ in range(VAULTS)]
        self._frozen = dict.fromkeys(self.vaults, False)
        self._weights: Sequence[tuple[float, Callable[[], Planned]]] = (
            (50, self._transfer),
            (10, self._q_send),
            (18, self._vault_step),
            (4, self._new_user),
            (5, self._mint),
            (4, self._appoint),
            (2, self._user_again),
            (3, self._too_much),
            (2, self._to_nobody),
            (1, self._no_payee),
            (1, self._no_object),
        )

    def preparation(self) -> list[list[Planned]]:
        """The system, a country, and users that hold money."""
        country = {"code": "MY", "name": "Malaysia", "percentage": 0.0042}
        return [
            [self._plan("BOOTSTRAP_SYSTEM", lambda _: {})],
            [self._plan("INITIALIZE_COUNTRY_DATA", lambda _: {"countriesData": [country]})],
            [self._create(user) for user in (*self.users, *self.vaults)],
        ]

    def next(self) -> Planned:
        """One more command."""
        weights = [weight for weight, _ in self._weights]
        return self._random.choices([make for _, make in self._weights], weights)[0]()

    def _plan(self, command_type: str, payload: Callable[[str], object], end: End = End.COMMITTED) -> Planned:
        command_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        return Planned(command_id=command_id, command_type=command_type, payload=payload(command_id), end=end)

    def _pair(self) -> tuple[str, str]:
        """Payer and payee; both may be hot."""
        payer = self._random.choice(self.users[:HOT] if self._random.random() < 0.15 else self.users)
        payee = self._random.choice(self.users[:HOT] if self._random.random() < 0.15 else self.users)
        return (payer, payee) if payer != payee else (payer, self.users[self.users.index(payer) - 1])

    def _transfer(self) -> Planned:
        payer, payee = self._pair()
        return self._pay(payer, payee, self._random.randint(1, 1000), End.COMMITTED)

    def _too_much(self) -> Planned:
        payer, payee = self._pair()
        return self._pay(payer, payee, 10**9 * COIN, End.FAILED)

    def _to_nobody(self) -> Planned:
        return self._pay(self._pair()[0], self._names.user_id("MY"), 1, End.FAILED)

    def _pay(self, payer: str, payee: str, amount: int, end: End) -> Planned:
        def payload(command_id: str) -> Payload:
            return {"fromUserId": payer, "toUserId": payee, "amount": amount, "remark": f"chaos {command_id}"}

        return self._plan("TRANSFER_TOKENS", payload, end)

    def _no_payee(self) -> Planned:
        payer, _ = self._pair()
        return self._plan("TRANSFER_TOKENS", lambda i: {"fromUserId": payer, "amount": 1, "remark": i}, End.FAILED)

    def _no_object(self) -> Planned:
        return self._plan("TRANSFER_TOKENS", lambda i: [i, 1], End.FAILED)

    def _q_send(self) -> Planned:
        payer, payee = self._pair()
        return self._q_pay(payer, payee, End.COMMITTED)

    def _q_pay(self, payer: str, payee: str, end: End) -> Planned:
        amount = self._random.randint(1, 100)

        def payload(command_id: str) -> Payload:
            code = {"qsendRequestId": command_id, "qsendRequestCode": command_id}
            return {"fromUserId": payer, "toUserId": payee, "amount": amount, "remark": "Q Send"} | code

        return self._plan("Q_SEND_PAY", payload, end)

    def _vault_step(self) -> Planned:
        """Freeze, unfreeze or pay, all of one key: in another order they would end otherwise."""
        vault = self._random.choice(self.vaults)
        is_frozen = self._frozen[vault]
        step = self._random.randrange(3)
        if step == 0:
            self._frozen[vault] = True
            end = End.FAILED if is_frozen else End.COMMITTED
            return self._plan("FREEZE_WALLET", lambda i: {"userID": vault, "reason": f"chaos {i}"}, end)
        if step == 1:
            self._frozen[vault] = False
            end = End.COMMITTED if is_frozen else End.FAILED
            return self._plan("UNFREEZE_WALLET", lambda _: {"userID": vault}, end)
        return self._q_pay(vault, self._random.choice(self.users), End.FAILED if is_frozen else End.COMMITTED)

    def _create(self, user: str, end: End = End.COMMITTED) -> Planned:
        def payload(command_id: str) -> Payload:
            digest = command_id.replace("-", "") + hashlib.sha256(user.encode()).hexdigest()[:32]
            return {"userId": user, "biometricHash": digest, "nationality": "MY", "age": 35}

        return self._plan("CREATE_USER", payload, end)

    def _new_user(self) -> Planned:
        return self._create(self._names.user_id("MY"))

    def _user_again(self) -> Planned:
        return self._create(self._random.choice(self.users), End.FAILED)

    def _mint(self) -> Planned:
        account, amount = self._random.choice([FUND, *self.users[:HOT]]), self._random.randint(1, 1000)
        return self._plan("MINT", lambda i: {"accountId": account, "amount": amount, "remark": f"chaos {i}"})

    def _appoint(self) -> Planned:
        """The one that a fault may have the chaincode refuse."""
        return self._plan("APPOINT_ADMIN", lambda i: {"newAdminId": i}, End.EITHER)
