"""Whether the system runs: bootstrapped, and not paused."""

from __future__ import annotations

from dataclasses import dataclass

from streams.chaincode.call import Call
from streams.chaincode.state import ChaincodeRefused

_STATUS = "SystemStatus"


@dataclass(frozen=True)
class SystemStatus:
    """`paused_because` is None while the system runs."""

    bootstrapped: bool = False
    paused_because: str | None = None


def system_status(call: Call) -> SystemStatus:
    """How the system stands; before the first write, not bootstrapped."""
    return call.load(SystemStatus, _STATUS) or SystemStatus()


def set_system_status(call: Call, status: SystemStatus) -> None:
    """Write how the system stands."""
    call.store(_STATUS, status)


def require_bootstrapped(call: Call) -> SystemStatus:
    """The status. Refused before BootstrapSystem."""
    status = system_status(call)
    if not status.bootstrapped:
        raise ChaincodeRefused("system is not bootstrapped")
    return status


def require_running(call: Call) -> None:
    """Money moves only in a bootstrapped system that is not paused."""
    status = require_bootstrapped(call)
    if status.paused_because is not None:
        raise ChaincodeRefused(f"system is paused: {status.paused_because}")
