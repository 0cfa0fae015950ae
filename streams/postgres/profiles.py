"""The names of the outbox table, its columns and its types in one database: a profile, read from TOML.

Shipped profiles are in `schemas/profiles/`; a path to a file of the same form names any other table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from streams.errors import SettingsInvalid
from streams.files import SCHEMAS

PROFILES = SCHEMAS / "profiles"

LOGICAL_COLUMNS = (
    "id",
    "tenant_id",
    "service",
    "command_type",
    "request_id",
    "payload",
    "status",
    "attempts",
    "locked_by",
    "locked_at",
    "submitted_at",
    "fabric_tx_id",
    "commit_block",
    "error_code",
    "error",
    "created_at",
    "updated_at",
)
OPTIONAL_COLUMNS = ("traceparent",)
"""Columns that a table may lack, and a profile need not name."""

_TYPES = ("command_type", "status")

# Names also go into Debezium's regular expressions, topic names and lists: nothing in them may have a meaning there.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Physical names. `columns` maps each of LOGICAL_COLUMNS, and perhaps some of OPTIONAL_COLUMNS.

    `command_type` and `status_type` are enum types.
    """

    name: str
    schema: str
    table: str
    command_type: str
    status_type: str
    columns: Mapping[str, str]

    def cdc_topic(self, prefix: str) -> str:
        """The topic of the table's change events: `<prefix>.<schema>.<table>`, as Debezium names it."""
        return f"{prefix}.{self.schema}.{self.table}"


def load_profile(name_or_path: str) -> Profile:
    """The shipped profile of this name, or the one in the TOML file at this path.

    Raises SettingsInvalid: no such profile, not TOML, a name missing, unknown or not a plain identifier.
    """
    shipped = PROFILES / f"{name_or_path}.toml"
    file = shipped if _NAME.fullmatch(name_or_path) and shipped.is_file() else Path(name_or_path)
    if not file.is_file():
        names = ", ".join(sorted(path.stem for path in PROFILES.glob("*.toml")))
        raise SettingsInvalid(f"profile {name_or_path!r}: neither one of {names} nor a file")
    try:
        document = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"profile {file}: {error}") from error
    return _profile(file, document)


def _profile(file: Path, document: Mapping[str, object]) -> Profile:
    top = {key: value for key, value in document.items() if key not in ("types", "columns")}
    names = _names(file, "", top, ("schema", "table"))
    types = _names(file, "types.", document.get("types"), _TYPES)
    columns = _names(file, "columns.", document.get("columns"), LOGICAL_COLUMNS, OPTIONAL_COLUMNS)
    return Profile(
        name=file.stem,
        schema=names["schema"],
        table=names["table"],
        command_type=types["command_type"],
        status_type=types["status"],
        columns=MappingProxyType(columns),
    )


def _names(
    file: Path, at: str, given: object, wanted: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, str]:
    """The entries of one table of the file: the wanted ones, perhaps optional ones, each a plain identifier."""
    table = given if isinstance(given, dict) else {}
    problems = [f"{at}{key} is missing" for key in wanted if key not in table]
    problems += [f"{at}{key} is not known" for key in table if key not in (*wanted, *optional)]
    names: dict[str, str] = {}
    for key, value in table.items():
        if not (isinstance(value, str) and _NAME.fullmatch(value)):
            problems.append(f"{at}{key} must be letters, digits and _, at most 63, not {value!r}")
        else:
            names[key] = value
    if problems:
        raise SettingsInvalid(f"profile {file}: " + "; ".join(problems))
    return names
