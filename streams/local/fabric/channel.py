"""What is done once, on running parts: the channel is joined, the chaincode agreed on."""

from __future__ import annotations

import time
from pathlib import Path

from streams.errors import StackFailed
from streams.local.fabric.command import command
from streams.local.fabric.layout import CHAINCODE, CHANNEL, ORGANISATIONS, Layout, Organisation
from streams.local.fabric.material import package_id
from streams.local.fabric.parts import leads
from streams.local.fabric.programs import Programs
from streams.local.process import run_to_end

_DEFINITION = ("--channelID", CHANNEL, "--name", CHAINCODE, "--version", "1", "--sequence", "1")
_LEADER_DEADLINE_S, _POLL_S = 30.0, 0.05
_TAIL_CHARACTERS = 1000


def join_channel(layout: Layout, programs: Programs, log: Path) -> None:
    """Orderer and peers take the genesis block. Raises StackFailed."""
    tls = layout.orderer / "tls"
    arguments = (
        *("channel", "join", "--channelID", CHANNEL, "--config-block", layout.genesis_block),
        *("--orderer-address", layout.address("orderer-admin"), "--ca-file", tls / "ca.crt"),
        *("--client-cert", tls / "server.crt", "--client-key", tls / "server.key"),
    )
    run_to_end("osnadmin", command(programs["osnadmin"], *arguments, configuration=layout.root), log)
    _wait_for_leader(layout, log)
    for org in ORGANISATIONS:
        _administer(layout, programs, org, log, "channel", "join", "--blockpath", layout.genesis_block)


def commit_chaincode(layout: Layout, programs: Programs, log: Path) -> None:
    """Each organisation installs and approves the chaincode; then both commit its definition. Raises StackFailed.

    Without a policy of its own it has the channel's: the majority of the organisations, which is both, must endorse.
    """
    orderer = (
        *("--orderer", layout.address("orderer"), "--tls"),
        *("--cafile", layout.orderer / "tls" / "ca.crt"),
    )
    lifecycle = ("lifecycle", "chaincode")
    for org in ORGANISATIONS:
        _administer(layout, programs, org, log, *lifecycle, "install", layout.package)
        approval = (*orderer, *_DEFINITION, "--package-id", package_id(layout))
        _administer(layout, programs, org, log, *lifecycle, "approveformyorg", *approval)
    peers = [
        argument
        for org in ORGANISATIONS
        for argument in ("--peerAddresses", layout.address(org.process), "--tlsRootCertFiles", _tls_root(layout, org))
    ]
    _administer(layout, programs, ORGANISATIONS[0], log, *lifecycle, "commit", *orderer, *_DEFINITION, *peers)


def _administer(layout: Layout, programs: Programs, org: Organisation, log: Path, *arguments: object) -> None:
    """Run the peer's command line as the organisation's administrator, against its peer."""
    argv = command(
        programs["peer"],
        *arguments,
        configuration=layout.configuration(org.process),
        CORE_PEER_MSPCONFIGPATH=layout.administrator(org),
    )
    run_to_end(f"peer {arguments[0]}", argv, log)


def _tls_root(layout: Layout, org: Organisation) -> Path:
    return layout.peer(org) / "tls" / "ca.crt"


def _wait_for_leader(layout: Layout, log: Path) -> None:
    due_at = time.monotonic() + _LEADER_DEADLINE_S
    while not leads(layout):
        if time.monotonic() > due_at:
            # osnadmin ends well even when the orderer refuses; its words tell.
            raise StackFailed(
                f"the orderer does not lead the channel after {_LEADER_DEADLINE_S:g} s; the end of {log}:\n"
                f"{log.read_text()[-_TAIL_CHARACTERS:]}"
            )
        time.sleep(_POLL_S)
