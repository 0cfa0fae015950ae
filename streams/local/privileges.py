"""Running Postgres, which refuses to run as root, when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from pathlib import Path

from streams.errors import StackFailed

_USER = "nobody"


def unprivileged(orphan_signal: signal.Signals) -> list[str]:
    """What to put before a command so that it does not run as root; empty if we are not root.

    Another user may not be able to read a clone that lies in a folder of root's. So the command keeps one
    capability, to pass by file permissions; Postgres only looks at the user id. Changing the user clears the
    signal that a child gets when its parent dies (prctl(2)), so setpriv sets it again.
    Raises StackFailed if setpriv is missing.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackFailed("Postgres does not run as root: install setpriv (package util-linux) or use another user")
    user = _unprivileged_user()
    return [
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        # Without this, access(2), by which Postgres's programs find each other, ignores the capability.
        "--securebits=+no_setuid_fixup",
        "--no-new-privs",
        f"--pdeathsig={orphan_signal.name}",
    ]


def hand_over(folder: Path) -> None:
    """Make the unprivileged user the owner of `folder`, if we are root."""
    if os.geteuid() == 0:
        user = _unprivileged_user()
        os.chown(folder, user.pw_uid, user.pw_gid)


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_USER)
    except KeyError as error:
        raise StackFailed(f"Postgres does not run as root, and there is no user {_USER} to run it as") from error
