"""What the shipped DDL says of a table, for tools that have no database at hand."""

from __future__ import annotations

import re

from streams.errors import SettingsInvalid
from streams.files import SCHEMAS
from streams.postgres.profiles import Profile


def ddl_command_types(profile: Profile) -> list[str]:
    """The labels of the command type enum in `schemas/<profile>.sql`. Raises SettingsInvalid if it is not there."""
    file = SCHEMAS / f"{profile.name}.sql"
    text = file.read_text() if file.is_file() else ""
    found = re.search(rf'"?\b{profile.command_type}"?\s+AS\s+ENUM\s*\(([^)]*)\)', text, re.IGNORECASE)
    if found is None:
        raise SettingsInvalid(f"{file} does not define {profile.command_type}; set STREAMS_POSTGRES__DSN")
    return re.findall(r"'([^']+)'", found.group(1))
