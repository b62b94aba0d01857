from __future__ import annotations

from pathlib import Path

import pytest

from tilesam.model.checkpoints.partial import (
    Version,
    bytes_here,
    discard,
    read_version,
    write_version,
)

VERSION = Version("https://example.org/a.pt", '"v1"', None)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "a.pt.part"
    path.write_bytes(b"12345")
    write_version(path, VERSION)
    return path


def test_what_was_written_is_read_again(part: Path) -> None:
    assert read_version(part) == VERSION
    assert bytes_here(part) == 5


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url": "x"}', '{"a": 1}'])
def test_a_note_without_sense_is_no_version(text: str, part: Path) -> None:
    part.with_name("a.pt.part.version").write_text(text)
    assert read_version(part) is None


def test_nothing_is_left_of_what_is_discarded(part: Path) -> None:
    discard(part)
    assert list(part.parent.iterdir()) == []
    assert (bytes_here(part), read_version(part)) == (0, None)
    discard(part)
