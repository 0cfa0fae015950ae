"""The table of translations knows every answer that was measured on Fabric 2.5.16, and is careful with others."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from fabric_answers import (
    COL,
    COMMIT_STATUS,
    DUPLICATE,
    END,
    ENDORSE,
    EVALUATE,
    HUNG,
    LOOK_UP,
    P1,
    P2,
    SUBMIT,
    Case,
    T,
    answer,
    asked,
)
from fabric_protos.gateway import gateway_pb2
from google.protobuf.any_pb2 import Any
from google.rpc import status_pb2

from streams.errors import AlreadyApplied, DuplicateTransaction, EndorseFailed
from streams.fabric.failures import Failure, detail, failure_of
from streams.fabric.translation import TABLE, Step, endorse_error, find, look_up_error, submit_error


def name(case: Case) -> str:
    said = case.failure.details[0].text if case.failure.details else case.failure.text
    return f"{case.failure.code.name}-{said[:40]}"


@pytest.mark.parametrize("case", ENDORSE, ids=name)
def test_a_failed_endorsement_is_translated(case: Case) -> None:
    error = endorse_error(case.failure, T)
    assert isinstance(error, EndorseFailed)
    assert (error.code, error.refused, error.transaction_id) == (case.code, case.refused, T)


@pytest.mark.parametrize("case", EVALUATE, ids=name)
def test_a_failed_question_is_translated(case: Case) -> None:
    error = endorse_error(case.failure, T, Step.EVALUATE)
    assert isinstance(error, EndorseFailed)
    assert (error.code, error.refused) == (case.code, case.refused)


@pytest.mark.parametrize("case", SUBMIT, ids=name)
def test_a_failed_submit_is_translated(case: Case) -> None:
    error = submit_error(case.failure, T)
    assert (error.code, error.refused, error.may_be_on_ledger) == (case.code, case.refused, case.may_be_on_ledger)


@pytest.mark.parametrize("case", LOOK_UP, ids=name)
def test_a_failed_look_up_leaves_the_commit_unknown(case: Case) -> None:
    error = look_up_error(case.failure, T)
    assert error is not None
    assert (error.code, error.transaction_id) == (case.code, T)


@pytest.mark.parametrize("case", COMMIT_STATUS, ids=name)
def test_a_failed_commit_status_leaves_the_commit_unknown(case: Case) -> None:
    error = look_up_error(case.failure, T)
    assert error is not None
    assert (error.code, error.transaction_id) == (case.code, T)


@pytest.mark.parametrize("what", ["transaction with id", "block for txID"])
def test_an_unknown_id_is_not_an_error(what: str) -> None:
    assert look_up_error(asked(f"Failed to get {what} {T}, error no such transaction ID [{T}] in index"), T) is None


@pytest.mark.parametrize("message", [DUPLICATE, f"rpc error: code = Unknown desc = {DUPLICATE}"])
def test_a_duplicate_is_told_without_the_creator_in_hexadecimal(message: str) -> None:
    error = endorse_error(answer("ABORTED", END, (P1, message)), T)
    assert isinstance(error, DuplicateTransaction)
    assert str(error) == f"transaction {T} is on the ledger already"


@pytest.mark.parametrize("status", [409, 500])
def test_a_command_applied_before_names_the_transaction(status: int) -> None:
    said = f"chaincode response {status}, command c-1 already applied by transaction {T}"
    error = endorse_error(answer("ABORTED", END, (P1, said)), "other", command_id="c-1")
    assert isinstance(error, AlreadyApplied)
    assert (error.applied_by, error.transaction_id) == (T, "other")
    assert str(error) == f"command c-1 already applied by transaction {T}"


@pytest.mark.parametrize("told_of", ["c-2", "c-1 of x", "xc-1", "c-1\n"])
def test_that_another_command_was_applied_before_is_a_refusal_like_any_other(told_of: str) -> None:
    said = f"command {told_of} already applied by transaction {T}"
    error = endorse_error(answer("ABORTED", END, (P1, f"chaincode response 409, {said}")), "other", command_id="c-1")
    assert isinstance(error, EndorseFailed)
    assert (error.code, error.refused, str(error)) == ("CHAINCODE_REFUSED", True, said)


def test_a_question_belongs_to_no_command_that_could_have_been_applied() -> None:
    error = endorse_error(asked(f"command c-1 already applied by transaction {T}"), T, Step.EVALUATE)
    assert isinstance(error, EndorseFailed)
    assert error.refused


def test_a_refusal_reads_as_the_chaincode_put_it() -> None:
    for text in ("insufficient funds", "nobody\nhere"):
        assert str(endorse_error(answer("ABORTED", END, (P1, f"chaincode response 404, {text}")), T)) == text


NO_1, NO_2 = (P1, "chaincode response 500, no"), (P2, "chaincode response 500, no, and why")


@pytest.mark.parametrize(
    ("failure", "asked_of"),
    [
        (answer("ABORTED", COL, NO_1, NO_2), ("Org1MSP", "Org2MSP")),
        (answer("ABORTED", COL, NO_2), ("Org2MSP",)),
        (answer("ABORTED", END, NO_1), ()),
    ],
)
def test_what_every_organisation_refuses_is_refused(failure: Failure, asked_of: tuple[str, ...]) -> None:
    error = endorse_error(failure, T, asked=asked_of)
    assert isinstance(error, EndorseFailed)
    assert (error.code, error.refused) == ("CHAINCODE_REFUSED", True)


@pytest.mark.parametrize(
    ("failure", "asked_of"),
    [
        (answer("ABORTED", COL, NO_2), ("Org1MSP", "Org2MSP")),
        (answer("ABORTED", COL, NO_2), ()),
        (answer("ABORTED", COL, NO_2, (P1, HUNG)), ("Org1MSP", "Org2MSP")),
    ],
)
def test_what_one_organisation_refuses_is_tried_again(failure: Failure, asked_of: tuple[str, ...]) -> None:
    error = endorse_error(failure, T, asked=asked_of)
    assert isinstance(error, EndorseFailed)
    assert (error.code, error.refused) == ("ENDORSEMENT_MISMATCH", False)
    assert "Org2MSP p2:9051: chaincode response 500, no, and why" in str(error)


def test_another_failure_names_the_peer_and_its_words_without_their_wrapping() -> None:
    error = endorse_error(answer("ABORTED", COL, (P2, HUNG)), T)
    assert str(error) == "Org2MSP p2:9051: context deadline exceeded"


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("code", grpc.StatusCode)
def test_every_code_with_any_text_has_a_row(step: Step, code: grpc.StatusCode) -> None:
    for failure in (Failure(code=code, text=""), Failure(code=code, text="?", details=(detail(*P1, "?"),))):
        row_found, _ = find(step, failure)
        assert row_found in TABLE


def test_every_row_is_needed() -> None:
    """Each row is the one that counts for some answer, so none hides behind another."""
    counted = {find(Step.ENDORSE, case.failure)[0] for case in ENDORSE}
    counted |= {find(Step.EVALUATE, case.failure)[0] for case in EVALUATE}
    counted |= {find(Step.SUBMIT, case.failure)[0] for case in SUBMIT}
    counted |= {find(Step.LOOK_UP, case.failure)[0] for case in LOOK_UP}
    counted |= {find(Step.LOOK_UP, case.failure)[0] for case in COMMIT_STATUS}
    applied = asked("command c already applied by transaction " + T)
    counted.add(find(Step.ENDORSE, applied, "c")[0])
    counted.add(find(Step.LOOK_UP, asked(f"x, error no such transaction ID [{T}] in index"))[0])
    counted.add(find(Step.ENDORSE, answer("ABORTED", END, (P1, DUPLICATE)))[0])
    assert [one for one in TABLE if one not in counted] == []


async def test_the_details_of_a_gateway_are_unpacked() -> None:
    packed = Any()
    packed.Pack(gateway_pb2.ErrorDetail(address="p2:9051", msp_id="Org2MSP", message=HUNG))
    status = status_pb2.Status(code=10, message=COL, details=[packed]).SerializeToString()
    trailer = grpc.aio.Metadata(("other", "x"), ("grpc-status-details-bin", status))
    failure = failure_of(grpc.aio.AioRpcError(grpc.StatusCode.ABORTED, grpc.aio.Metadata(), trailer, COL, None))
    assert failure == answer("ABORTED", COL, (P2, HUNG))
    assert failure.details[0].go_code == "DeadlineExceeded"


async def test_a_trailer_that_is_not_a_status_is_passed_over() -> None:
    trailer = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    error = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), trailer, None, None)
    assert failure_of(error) == Failure(code=grpc.StatusCode.INTERNAL, text="")


async def test_an_error_in_place_of_a_cancellation_cancels_the_task() -> None:
    async def call_of_which_the_answer_crosses_its_cancellation() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            failure_of(
                grpc.aio.AioRpcError(grpc.StatusCode.UNKNOWN, grpc.aio.Metadata(), grpc.aio.Metadata(), "x", None)
            )

    task = asyncio.create_task(call_of_which_the_answer_crosses_its_cancellation())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
