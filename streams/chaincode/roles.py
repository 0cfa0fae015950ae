"""Who may call what: the attribute `gxc_role` of the certificate against a map of roles."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.chaincode.state import ChaincodeRefused, Creator
from streams.errors import SettingsInvalid

ROLE_ATTRIBUTE = "gxc_role"
ANY_ROLE = None

_MAPS = Path(__file__).with_name("roles.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMap:
    """`allowed`: `Contract:Function`, or `Contract:Function(value)`, to the roles that may call it (ANY_ROLE: all)."""

    name: str
    allowed: Mapping[str, tuple[str, ...] | None]

    def check(self, function: str, creator: Creator, case: str | None = None) -> None:
        """Refused unless the creator's role is one of those of the function, or of its rule for `case`."""
        special = f"{function}({case})"
        roles = self.allowed[special if special in self.allowed else function]
        if roles is ANY_ROLE:
            return
        role = creator.attributes.get(ROLE_ATTRIBUTE)
        if role is None:
            raise ChaincodeRefused(f"failed to get attribute '{ROLE_ATTRIBUTE}' of client '{creator.name}'")
        if role not in roles:
            required = " or ".join(f"'{allowed}'" for allowed in roles)
            raise ChaincodeRefused(
                f"authorization failed: client '{creator.name}' does not have the required role {required}"
            )


def load_roles(name: str) -> RoleMap:
    """The map of that name in roles.toml: `operations` or `chaincode`. Raises SettingsInvalid."""
    maps = tomllib.loads(_MAPS.read_text(encoding="utf-8"))
    if name not in maps:
        raise SettingsInvalid(f"there is no role map {name!r}; choose one of: {', '.join(sorted(maps))}")
    return RoleMap(
        name=name,
        allowed={rule: ANY_ROLE if roles == "any" else tuple(roles) for rule, roles in maps[name].items()},
    )
