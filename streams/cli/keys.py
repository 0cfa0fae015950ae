"""Single keys from the terminal, without Enter."""

from __future__ import annotations

import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for a key: its character, or empty. The terminal is as before at the end.

    Without a terminal no key ever comes.
    """
    if not sys.stdin.isatty():
        yield _no_key
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _key(timeout_s: float) -> str:
    readable, _, _ = select.select([sys.stdin], [], [], timeout_s)
    return sys.stdin.read(1) if readable else ""


def _no_key(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""
