"""Transaction ids are the same for ever, differ in every part, and hang on a secret that is made once."""

from __future__ import annotations

import hashlib
import multiprocessing
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import CredentialsInvalid
from streams.fabric.ids import create_secret, load_secret, nonce, transaction_id

SECRET = b"s" * 32
PARTS: dict[str, Any] = {"channel": "c", "chaincode": "cc", "command_id": "id", "revision": 0, "attempt": 0}


def test_a_nonce_never_changes() -> None:
    """A changed derivation would make every command in flight look new: it would be applied twice."""
    assert nonce(SECRET, **PARTS).hex() == "5d22c6896b86e6d8a0333c66f79d2b51775eb3e2862927a03aa6d1f1d575f335"


def test_the_transaction_id_is_the_hash_of_nonce_and_creator() -> None:
    assert transaction_id(b"nonce", b"creator") == hashlib.sha256(b"noncecreator").hexdigest()


@pytest.mark.parametrize("changed", [{name: 1 if value == 0 else value + "x"} for name, value in PARTS.items()])
def test_every_part_changes_the_nonce(changed: dict[str, Any]) -> None:
    assert nonce(SECRET, **PARTS) != nonce(SECRET, **(PARTS | changed))


def test_the_secret_changes_the_nonce() -> None:
    assert nonce(SECRET, **PARTS) != nonce(b"t" * 32, **PARTS)


@given(
    left=st.tuples(st.text(), st.text(), st.text(), st.integers(0, 99), st.integers(0, 99)),
    right=st.tuples(st.text(), st.text(), st.text(), st.integers(0, 99), st.integers(0, 99)),
)
def test_different_parts_give_different_nonces(left: tuple[Any, ...], right: tuple[Any, ...]) -> None:
    nonces = [nonce(SECRET, **dict(zip(PARTS, parts, strict=True))) for parts in (left, right)]
    assert (nonces[0] == nonces[1]) == (left == right)


def test_letters_do_not_move_between_parts() -> None:
    moved = PARTS | {"channel": "cc", "chaincode": "c"}
    assert nonce(SECRET, **PARTS) != nonce(SECRET, **moved)


def created(file: Path) -> bytes:
    create_secret(file)
    return load_secret(file)


def test_a_missing_secret_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    made = created(file)
    create_secret(file)
    assert len(made) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_secret(file) == made
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert created(tmp_path / "a") != created(tmp_path / "b")


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        secrets = pool.map(created, [tmp_path / "secret"] * 16, chunksize=1)
    assert len(set(secrets)) == 1


def test_white_space_around_the_secret_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    file.chmod(0o600)
    assert load_secret(file) == SECRET


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    file.chmod(0o640)
    with pytest.raises(CredentialsInvalid, match="secret: mode 0640"):
        load_secret(file)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s" * 31 + b"\n")
    file.chmod(0o600)
    with pytest.raises(CredentialsInvalid, match="has 31 bytes, 32 are needed"):
        load_secret(file)


def test_a_secret_without_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsInvalid, match="cannot be created"):
        create_secret(tmp_path / "nowhere" / "secret")


def test_a_missing_secret_is_refused_with_the_way_to_make_the_first(tmp_path: Path) -> None:
    with pytest.raises(CredentialsInvalid, match="streams nonce-secret"):
        load_secret(tmp_path / "secret")
    assert list(tmp_path.iterdir()) == []
