"""The processes of the network."""

from __future__ import annotations

import http.client
import sys
from functools import partial

from streams.local.fabric.command import command
from streams.local.fabric.layout import CHANNEL, ORGANISATIONS, Layout, Organisation
from streams.local.fabric.material import package_id
from streams.local.fabric.programs import Programs
from streams.local.ports import HOST, is_open
from streams.local.process import Process

ORDERER = "orderer"
CHAINCODE_SERVER = "chaincode"
PROCESSES = (ORDERER, *(org.process for org in ORGANISATIONS), CHAINCODE_SERVER)

_ASK_TIMEOUT_S = 2.0
_LEADER = f'consensus_etcdraft_is_leader{{channel="{CHANNEL}"}} 1'


def processes(layout: Layout, programs: Programs, roles: str) -> list[Process]:
    """All of them, to be started together. `roles` is the map that the chaincode enforces."""
    return [
        _orderer(layout, programs),
        *(_peer(layout, programs, org) for org in ORGANISATIONS),
        _chaincode(layout, roles),
    ]


def leads(layout: Layout) -> bool:
    """The orderer has the channel and is its Raft leader: only then it takes transactions."""
    return any(line.startswith(_LEADER) for line in _ask(layout.ports["orderer-operations"], "/metrics").splitlines())


def _orderer(layout: Layout, programs: Programs) -> Process:
    """Once there is a channel, healthy when it leads it: after a restart that takes an election."""

    def healthy() -> bool:
        return _is_well(layout.ports["orderer-operations"]) and (not layout.founded.exists() or leads(layout))

    argv = command(programs["orderer"], configuration=layout.configuration(ORDERER))
    return Process(name=ORDERER, argv=argv, healthy=healthy)


def _peer(layout: Layout, programs: Programs, org: Organisation) -> Process:
    return Process(
        name=org.process,
        argv=command(programs["peer"], "node", "start", configuration=layout.configuration(org.process)),
        healthy=partial(_is_well, layout.ports[f"{org.process}-operations"]),
    )


def _chaincode(layout: Layout, roles: str) -> Process:
    arguments = ("--listen", layout.address(CHAINCODE_SERVER), "--package-id", package_id(layout), "--roles", roles)
    return Process(
        name=CHAINCODE_SERVER,
        argv=[sys.executable, "-m", "streams.chaincode", *arguments],
        healthy=partial(is_open, layout.ports[CHAINCODE_SERVER]),
    )


def _is_well(operations_port: int) -> bool:
    return '"status":"OK"' in _ask(operations_port, "/healthz")


def _ask(port: int, path: str) -> str:
    """What the operations service says; empty while it does not."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read().decode() if response.status == http.client.OK else ""
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
