"""The project's pages, taken apart: links, code spans, fenced blocks, command lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SHELL = "sh"


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    file: Path

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> list[str]:
        return _HEADING.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What `#...` may name, as GitHub makes it of headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings}

    @property
    def links(self) -> list[str]:
        """Targets within the project."""
        return [target for target in _LINK.findall(self.prose) if not target.startswith(("http:", "https:"))]

    @property
    def spans(self) -> list[str]:
        return _SPAN.findall(self.prose)

    @property
    def shell_lines(self) -> Iterator[str]:
        """Lines to type: of the shell blocks, and after a prompt in the others."""
        for language, block in _FENCE.findall(self.text):
            for line in block.splitlines():
                if language == _SHELL:
                    yield line
                elif line.startswith("$ "):
                    yield line.removeprefix("$ ")

    def blocks(self, wanted: str) -> list[str]:
        """The lines of every block of this language."""
        return [
            line for language, block in _FENCE.findall(self.text) for line in block.splitlines() if language == wanted
        ]

    def calls(self, program: str) -> Iterator[list[str]]:
        """The arguments of every call of a program that is to be typed."""
        return _calls(program, self.shell_lines)

    def mentions(self, program: str) -> Iterator[list[str]]:
        """The arguments of every call within the text; they may be left out or in brackets."""
        for words in _calls(program, self.spans):
            yield [word for word in words if not word.startswith("[")]


def _calls(program: str, lines: Iterable[str]) -> Iterator[list[str]]:
    for line in lines:
        for words in _commands(line):
            if words and words[0] == program:
                yield words[1:]


def _commands(line: str) -> Iterator[list[str]]:
    """The commands of a line: split at pipes, semicolons and `&&`, without comments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return  # prose between backticks, not a command
    command: list[str] = []
    for word in words:
        if set(word) <= set("|;&"):
            yield command
            command = []
        else:
            command.append(word)
    yield command
