"""Digests of files: computed in one reading, compared with what was published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

import xxhash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHUNK_BYTES = 1 << 20


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


_ALGORITHMS: dict[str, Callable[[], _Hash]] = {
    "sha256": hashlib.sha256,
    "xxh128": xxhash.xxh128,
}


class Digest(NamedTuple):
    """A digest and the algorithm that it was made with.

    Parameters
    ----------
    kind
        `"sha256"` or `"xxh128"`.
    value
        In hexadecimal, lower case.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def parse_digest(text: str) -> Digest:
    """Return the digest that `"sha256:ab12..."` stands for.

    Raises
    ------
    ValueError
        If the algorithm is not one of those that can be computed.
    """
    kind, _, value = text.partition(":")
    if kind not in _ALGORITHMS:
        raise ValueError(
            f"the digest is {text!r}; expected 'algorithm:hexadecimal' with one of "
            f"{', '.join(_ALGORITHMS)}"
        )
    return Digest(kind, value.lower())


def hash_file(path: Path, *kinds: str) -> dict[str, Digest]:
    """Return digests of a file's content, one of each kind.

    Parameters
    ----------
    path
        A file of any size; it is read once, in pieces.
    *kinds
        `"sha256"`, `"xxh128"`.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    hashes = {kind: _ALGORITHMS[kind]() for kind in kinds}
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            for hash_ in hashes.values():
                hash_.update(chunk)
    return {kind: Digest(kind, hash_.hexdigest()) for kind, hash_ in hashes.items()}
