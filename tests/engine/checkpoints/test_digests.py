from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tilesam.model.checkpoints.digests import (
    CHUNK_BYTES,
    Digest,
    hash_file,
    parse_digest,
)

# FIPS 180-2, appendix B.1, and the reference implementation of xxHash.
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
XXH128_OF_NOTHING = "99aa06d3014798d86001c324468d497f"


def test_known_answers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert hash_file(path, "sha256")["sha256"].value == SHA256_OF_ABC
    path.write_bytes(b"")
    assert hash_file(path, "xxh128") == {"xxh128": Digest("xxh128", XXH128_OF_NOTHING)}


def test_several_digests_of_a_file_of_several_pieces(tmp_path: Path) -> None:
    content = bytes(CHUNK_BYTES + 17)
    path = tmp_path / "file"
    path.write_bytes(content)
    found = hash_file(path, "sha256", "xxh128")
    assert found["sha256"].value == hashlib.sha256(content).hexdigest()
    assert len(found["xxh128"].value) == 32


def test_a_digest_survives_being_written_and_read() -> None:
    digest = Digest("sha256", SHA256_OF_ABC)
    assert parse_digest(str(digest)) == digest
    assert parse_digest(f"sha256:{SHA256_OF_ABC.upper()}") == digest


@pytest.mark.parametrize("text", ["", "abcdef", "md5:0123"])
def test_an_unknown_algorithm_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sha256, xxh128"):
        parse_digest(text)
