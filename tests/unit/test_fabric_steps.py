"""What the steps of a transaction add to the calls: failures counted that nobody has seen before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_answers import LIMIT
from fabric_credentials import NOW, certificate, pem, put
from fabric_protos.peer import transaction_pb2
from scripted_ledger import COMMAND

from streams.errors import CommitUnknown, EndorseFailed, SubmitFailed
from streams.fabric.gateway import Gateway, connect
from streams.fabric.gateways import Method
from streams.fabric.ids import create_secret
from streams.fabric.steps import GatewayTransaction
from streams.fabric.translation import Step
from streams.settings import FabricSettings


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    key = ec.generate_private_key(ec.SECP256R1())
    put(tmp_path, "org1-admin", certificate(key), pem(key))
    create_secret(tmp_path / "secret")
    settings = FabricSettings(
        gateway="localhost:1",
        tls_ca_file=tmp_path / "org1-admin-cert",
        wallet=tmp_path,
        nonce_secret_file=tmp_path / "secret",
    )
    async with connect(settings, "org1-admin", now=lambda: NOW) as made:
        yield made


def answer(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, code: str, text: str) -> None:
    async def call(*_: Any) -> bytes:
        raise grpc.aio.AioRpcError(grpc.StatusCode[code], grpc.aio.Metadata(), grpc.aio.Metadata(), text, None)

    monkeypatch.setattr(gateway.gateways, "call", call)
    monkeypatch.setattr(gateway.gateways, "call_at", call)


async def everything(gateway: Gateway) -> None:
    """Each step once; it fails and fails no command."""
    with pytest.raises(EndorseFailed) as endorse:
        await gateway.propose(COMMAND, 0).endorse()
    assert not endorse.value.refused
    with pytest.raises(SubmitFailed) as submit:
        await GatewayTransaction(gateway._session, gateway.identity, "t", b"").submit()
    assert not submit.value.refused
    with pytest.raises(CommitUnknown):
        await gateway.look_up("t")
    with pytest.raises(EndorseFailed):
        await gateway.evaluate("C:F", ())


async def test_an_answer_never_seen_before_is_counted_by_step(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(gateway, monkeypatch, "DATA_LOSS", "the dog ate it")
    for _ in range(2):
        await everything(gateway)
    assert gateway.unrecognised == {Step.ENDORSE: 2, Step.SUBMIT: 2, Step.LOOK_UP: 2, Step.EVALUATE: 2}


async def test_a_known_answer_is_not_counted(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(gateway, monkeypatch, "UNKNOWN", LIMIT)
    await everything(gateway)
    assert gateway.unrecognised == {}


async def test_an_argument_that_is_not_text_is_not_sent(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Method] = []

    async def call(method: Method, *_: Any) -> bytes:
        sent.append(method)
        return b""

    monkeypatch.setattr(gateway.gateways, "call", call)
    with pytest.raises(EndorseFailed, match="an argument is not text") as failed:
        await gateway.propose(replace(COMMAND, arguments=("a", "\udc00")), 0).endorse()
    assert (failed.value.refused, sent) == (True, [])


async def test_what_a_block_held_as_a_repetition_is_asked_of_every_gateway_and_not_submitted_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a peer that joined from a snapshot: it knows that the id is taken, and no more."""
    sent, proofs = list[Method](), list[bool]()

    async def call(method: Method, *_: Any) -> bytes:
        sent.append(method)
        return b""

    async def look_up(_: Any, __: str, transaction_id: str, *, is_proof_wanted: bool) -> None:
        proofs.append(is_proof_wanted)
        raise CommitUnknown("only a repetition", code="UNRECOGNISED", transaction_id=transaction_id)

    monkeypatch.setattr(gateway.gateways, "call", call)
    monkeypatch.setattr("streams.fabric.steps.look_up", look_up)
    settings = gateway._session.settings.model_copy(update={"commit_timeout_s": 0.01})
    session = replace(gateway._session, settings=settings)
    transaction = GatewayTransaction(session, gateway.identity, "t", b"")
    await transaction.submit()
    session.commits.block(7, [("t", transaction_pb2.DUPLICATE_TXID)])
    for _ in range(2):
        with pytest.raises(CommitUnknown, match="only a repetition"):
            await (await transaction.submit()).status()
    assert sent == [Method.SUBMIT]
    assert proofs == [True] * 3
