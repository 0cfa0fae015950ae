from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2

from streams.errors import StackFailed
from streams.simulator.blocks import BlockFile, build_block, header_hash, validation_codes


def fill(path: Path, count: int) -> list[bytes]:
    written = []
    with BlockFile(path) as blocks:
        previous = b""
        for number in range(count):
            block = build_block(number, previous, [b"envelope %d" % number], [number])
            previous = header_hash(block.header)
            written.append(block.SerializeToString())
            blocks.append(written[-1])
    return written


def content(path: Path) -> list[bytes]:
    with BlockFile(path) as blocks:
        return [blocks.read(number).SerializeToString() for number in range(len(blocks))]


def test_blocks_are_there_after_a_restart(tmp_path: Path) -> None:
    written = fill(tmp_path / "blocks", 3)
    assert content(tmp_path / "blocks") == written


@pytest.mark.parametrize("lost_bytes", [1, 5, 20])
def test_a_torn_last_block_is_dropped_logged_and_written_over(
    tmp_path: Path, lost_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "blocks"
    written = fill(path, 3)
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    assert content(path) == written[:2]
    assert f"{path}: {len(written[2]) + 8 - lost_bytes} bytes after block 1 are no whole block" in caplog.text
    with BlockFile(path) as blocks:
        blocks.append(written[2])
    assert content(path) == written


def test_a_last_block_of_the_right_length_but_other_bytes_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    written = fill(path, 2)
    path.write_bytes(path.read_bytes()[:-4] + bytes(4))
    assert content(path) == written[:1]


def test_damage_before_the_last_block_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blocks"
    fill(path, 3)
    damaged = bytearray(path.read_bytes())
    damaged[20] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(StackFailed, match="byte 0 is damaged"):
        BlockFile(path)
    assert path.read_bytes() == bytes(damaged)


@pytest.mark.parametrize("junk", [b"\x7f" * 300, b"#!/bin/sh\n", bytes(3)], ids=["noise", "script", "short"])
def test_a_file_without_any_block_is_refused_and_left_alone(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "blocks"
    path.write_bytes(junk)
    with pytest.raises(StackFailed, match=f"holds no block but {len(junk)} other bytes"):
        BlockFile(path)
    assert path.read_bytes() == junk


def test_two_networks_cannot_share_a_folder(tmp_path: Path) -> None:
    with BlockFile(tmp_path / "blocks"), pytest.raises(StackFailed, match="in use by another process"):
        BlockFile(tmp_path / "blocks")


def test_a_block_carries_the_code_of_each_envelope() -> None:
    block = build_block(7, b"previous", [b"a", b"b"], [0, 11])
    assert list(validation_codes(block)) == [0, 11]
    assert block.header.data_hash == hashlib.sha256(b"ab").digest()


@pytest.mark.parametrize(("number", "der"), [(0, "020100"), (127, "02017f"), (128, "02020080"), (65536, "0203010000")])
def test_the_header_hash_is_that_of_its_der(number: int, der: str) -> None:
    header = common_pb2.BlockHeader(number=number, previous_hash=b"\x01" * 32, data_hash=b"\x02" * 32)
    fields = bytes.fromhex(der + "0420" + "01" * 32 + "0420" + "02" * 32)
    expected = hashlib.sha256(b"\x30" + bytes([len(fields)]) + fields).digest()
    assert header_hash(header) == expected
