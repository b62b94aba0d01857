from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest
import xxhash

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.receipts import (
    check_file,
    examine,
    read_receipt,
    receipt_path,
    write_receipt,
)
from tilesam.model.checkpoints.registry import ModelEntry

CONTENT = b"weights of a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "served.pt"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def strong() -> ModelEntry:
    return ModelEntry(
        "served", "vit_t", "https://example.org/served.pt", f"sha256:{SHA256}",
        len(CONTENT), "MIT", "tests", "https://example.org",
    )  # fmt: skip


@pytest.fixture
def weak(strong: ModelEntry) -> ModelEntry:
    digest = f"xxh128:{xxhash.xxh128(CONTENT).hexdigest()}"
    return dataclasses.replace(strong, digest=digest, size_bytes=None)


def overwrite_unnoticed(path: Path, content: bytes) -> None:
    """Change a file, but neither its size nor its time."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_right_file_has_its_sha256(
    path: Path, strong: ModelEntry, weak: ModelEntry
) -> None:
    assert check_file(path, strong) == SHA256
    assert check_file(path, weak) == SHA256
    assert not receipt_path(path).exists()


def test_a_truncated_file_is_told_by_its_size(path: Path, strong: ModelEntry) -> None:
    path.write_bytes(CONTENT[:5])
    with pytest.raises(CheckpointError, match="has 5 bytes, served has 20:"):
        check_file(path, strong)


@pytest.mark.parametrize("kind", ["strong", "weak"])
def test_another_file_is_told_by_its_digest(
    kind: str, path: Path, request: pytest.FixtureRequest
) -> None:
    entry = request.getfixturevalue(kind)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(CheckpointError) as caught:
        check_file(path, entry)
    assert entry.digest in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_receipt_saves_reading_until_the_file_changes(
    path: Path, strong: ModelEntry
) -> None:
    check_file(path, strong, is_ours=True)
    overwrite_unnoticed(path, CONTENT[::-1])
    assert check_file(path, strong) == SHA256
    with pytest.raises(CheckpointError):
        check_file(path, strong, must_read=True)
    os.utime(path, ns=(1, 1))  # now may be the time of the receipt
    with pytest.raises(CheckpointError):
        check_file(path, strong)


def test_the_sha256_of_the_first_time_is_remembered(
    path: Path, weak: ModelEntry
) -> None:
    # As if somebody had found another file with the same weak digest.
    write_receipt(path, weak, "0" * 64)
    os.utime(path, ns=(1, 1))
    assert "forged" in examine(path, weak).fault


def test_a_receipt_of_other_weights_counts_for_nothing(
    path: Path, strong: ModelEntry, weak: ModelEntry
) -> None:
    write_receipt(path, weak, "0" * 64)
    assert check_file(path, strong) == SHA256


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 1}', "null"])
def test_a_broken_receipt_counts_for_nothing(
    text: str, path: Path, strong: ModelEntry
) -> None:
    receipt_path(path).write_text(text)
    assert read_receipt(path) is None
    assert check_file(path, strong, is_ours=True) == SHA256
    assert json.loads(receipt_path(path).read_text())["sha256"] == SHA256


def test_where_nothing_can_be_written_nothing_is_remembered(
    path: Path, strong: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert check_file(path, strong, is_ours=True) == SHA256
    assert read_receipt(path) is None


def test_embedded_weights_have_no_digest_to_compare(
    path: Path, strong: ModelEntry
) -> None:
    embedded = dataclasses.replace(strong, url=None, digest=None, size_bytes=None)
    assert check_file(path, embedded) == SHA256
