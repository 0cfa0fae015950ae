"""Passwords of the embedded stack: made once per state folder, readable by their owner alone.

The file is a Java properties file, because the Connect worker reads it too (`${file:<path>:<name>}`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def load_passwords(file: Path, names: Iterable[str]) -> dict[str, str]:
    """The password of each name, by name; missing ones are made and added to `file` (mode 0600)."""
    known = _read(file) if file.exists() else {}
    missing = {name: secrets.token_hex(16) for name in names if name not in known}
    if missing:
        known |= missing
        _write(file, known)
    return known


def _read(file: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in file.read_text().splitlines() if line)
    return {name: password for name, _, password in lines}


def _write(file: Path, passwords: dict[str, str]) -> None:
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.writelines(f"{name}={password}\n" for name, password in passwords.items())
    new.replace(file)
