"""What a chaincode's refusals mean, as data: `schemas/refusals.toml` or a file of the same form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.errors import RefusalsInvalid
from streams.retry import Meaning

_KEYS = ("pattern", "meaning", "why")
_MEANINGS = ", ".join(f'"{meaning}"' for meaning in Meaning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Texts that `pattern` is found in have this meaning."""

    pattern: re.Pattern[str]
    meaning: Meaning
    why: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """The entries in the order in which they count."""

    entries: tuple[Refusal, ...]

    def meaning(self, text: str) -> Meaning:
        """Of a chaincode's text: the first entry that fits counts; without one it is refused."""
        return next((one.meaning for one in self.entries if one.pattern.search(text)), Meaning.REFUSE)


def load_refusals(path: Path) -> Refusals:
    """The table at `path`. Raises RefusalsInvalid, one line per mistake, each with file, entry and what to do."""
    entries: list[Refusal] = []
    problems: list[str] = []
    for number, entry in enumerate(_entries(path), start=1):
        complaints = list(_complaints(entry))
        problems += [f"{path}: entry {number}{_quoted(entry)}: {complaint}" for complaint in complaints]
        if not complaints:
            pattern, meaning = re.compile(entry["pattern"], re.DOTALL), Meaning(entry["meaning"])
            entries.append(Refusal(pattern=pattern, meaning=meaning, why=entry["why"]))
    if problems:
        raise RefusalsInvalid("\n".join(problems))
    return Refusals(tuple(entries))


def _entries(path: Path) -> Iterable[Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusalsInvalid(f"{path}: cannot be read ({error.strerror}): name an existing file") from error
    except UnicodeDecodeError as error:
        raise RefusalsInvalid(f"{path}: is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise RefusalsInvalid(f"{path}: is not valid TOML: {error}") from error
    entries = tables.pop("refusals", [])
    if tables or not isinstance(entries, list):
        raise RefusalsInvalid(f"{path}: holds something else than entries: begin each one with [[refusals]]")
    return entries


def _complaints(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "is not a table: begin it with [[refusals]]"
        return
    for key in (key for key in entry if key not in _KEYS):
        yield f'unknown key "{key}": use {", ".join(_KEYS)}'
    for key in _KEYS:
        if not isinstance(entry.get(key), str) or not entry[key]:
            yield f"{key} is missing or empty: write {key} = " + (_MEANINGS if key == "meaning" else "some text")
    if isinstance(entry.get("meaning"), str) and entry["meaning"] and entry["meaning"] not in tuple(Meaning):
        yield f'meaning = "{entry["meaning"]}" is not known: use one of {_MEANINGS}'
    try:
        re.compile(entry.get("pattern", "") if isinstance(entry.get("pattern", ""), str) else "")
    except re.error as error:
        yield f"pattern is not a regular expression ({error}): write it in single quotes, and \\ before ( ) [ ] . * + ?"


def _quoted(entry: Any) -> str:
    pattern = entry.get("pattern") if isinstance(entry, Mapping) else None
    return f" ({pattern})" if isinstance(pattern, str) and pattern else ""
