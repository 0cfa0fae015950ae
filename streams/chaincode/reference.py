"""The reference chaincode's way in.

    find the function -> command id -> number of arguments -> role -> running -> run it -> hand over its writes

A refusal anywhere leaves the state as it was. Nothing depends on the machine, the clock or chance, so that every
endorser comes to the same writes and the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.chaincode.call import Call, canonical_json
from streams.chaincode.contracts import CONTRACTS, DEFAULT_CONTRACT, Function
from streams.chaincode.roles import RoleMap
from streams.chaincode.state import COMMAND_ID, ChaincodeRefused, State
from streams.chaincode.system import require_running
from streams.errors import SettingsInvalid

ALREADY_APPLIED_STATUS = 409


class ReferenceChaincode:
    """All contracts under one map of roles."""

    def __init__(self, roles: RoleMap) -> None:
        """Raises SettingsInvalid when the map has no rule for a function that changes state."""
        without_rule = [name for name in changing_functions() if name not in roles.allowed]
        if without_rule:
            raise SettingsInvalid(f"role map {roles.name!r} has no rule for {', '.join(without_rule)}")
        self._roles = roles

    def invoke(self, function: str, arguments: Sequence[str], state: State) -> bytes:
        """Run `Contract:Function`; the answer is JSON in UTF-8. Raises ChaincodeRefused."""
        name, row = _find(function)
        call = Call(state)
        if row.changes_state:
            _apply_once(call, state)
        if len(arguments) != len(row.parameters):
            raise ChaincodeRefused(
                f"Incorrect number of params. Expected {len(row.parameters)}, received {len(arguments)}"
            )
        if row.changes_state:
            case = dict(zip(row.parameters, arguments, strict=True)).get(row.role_depends_on or "")
            self._roles.check(name, state.creator, case)
        if row.moves_money:
            require_running(call)
        answer = canonical_json(row.body(call, *arguments))
        call.apply()
        return answer


def changing_functions() -> Iterator[str]:
    """`Contract:Function` of every function that changes state."""
    for contract, functions in CONTRACTS.items():
        yield from (f"{contract}:{name}" for name, row in functions.items() if row.changes_state)


def _find(function: str) -> tuple[str, Function]:
    """Full name and row; the refusals are contractapi-go's (contractapi/contract_chaincode.go, Invoke)."""
    contract, colon, name = function.rpartition(":")
    if not colon:
        contract = DEFAULT_CONTRACT
    if contract not in CONTRACTS:
        raise ChaincodeRefused(f"Contract not found with name {contract}")
    if not name:
        raise ChaincodeRefused("Blank function name passed")
    if name not in CONTRACTS[contract]:
        raise ChaincodeRefused(f"Function {name} not found in contract {contract}")
    return f"{contract}:{name}", CONTRACTS[contract][name]


def _apply_once(call: Call, state: State) -> None:
    """Take the command id, when the client sends one along. Refused when an earlier transaction took it."""
    try:
        command_id = state.transient.get(COMMAND_ID, b"").decode()
    except UnicodeDecodeError as error:
        raise ChaincodeRefused("the transient command_id is not UTF-8") from error
    if not command_id:
        return
    key = f"cmd~{command_id}"
    applied_by = call.read(key)
    if applied_by is not None:
        raise ChaincodeRefused(
            f"command {command_id} already applied by transaction {applied_by.decode()}",
            status=ALREADY_APPLIED_STATUS,
        )
    call.write(key, call.transaction_id.encode())
