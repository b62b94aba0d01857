"""What happened since a session was saved: a line for each action, on the disk at once.

    {"seal":"...","n":0,"format":"napari-sam-journal","version":1,"journal":"..."}
    {"seal":"...","n":1,"kind":"do","edit":{...}}

A line counts if it is whole, its seal fits it and it follows on the one before. What a
crash leaves of the last one is therefore never taken for an action.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xxhash

from tilesam.annotation.document import require_version
from tilesam.annotation.durable import write_durably
from tilesam.annotation.packing import to_line
from tilesam.errors import SessionFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

FORMAT = "napari-sam-journal"
VERSION = 1
DAMAGED_SUFFIX = ".damaged"

_START, _SEAL_DIGITS = b'{"seal":"', 16
_SEALED_FROM = len(_START) + _SEAL_DIGITS


@dataclass(frozen=True)
class JournalContent:
    """What a journal says.

    Parameters
    ----------
    name
        Of the journal; the document names it too.
    actions
        In their order, as plain JSON without seal and number.
    valid_bytes
        How much of the file this is.
    lost_lines
        Whole lines after that which do not count; a crash leaves none.
    """

    name: str
    actions: tuple[dict[str, Any], ...]
    valid_bytes: int
    lost_lines: int = 0


def read_journal(path: Path) -> JournalContent | None:
    """Return the actions of a journal; None if there is none, or not even its head.

    Raises
    ------
    SessionFileError
        If it cannot be read or was written by another version.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SessionFileError(
            f"{path} cannot be read: {error.strerror}; make it readable, or move it "
            "away to open the session as it was last saved"
        ) from error
    lines = _valid_lines(content)
    head, end = next(lines, (None, 0))
    if head is None:
        return None
    require_version(path, head, FORMAT, VERSION)
    actions = []
    for action, end in lines:  # noqa: B007 - the end of the last one is wanted
        actions.append(action)
    lost = content.count(b"\n", end)
    if lost:
        logger.warning("%s is damaged: its last %d lines do not count", path, lost)
    return JournalContent(str(head["journal"]), tuple(actions), end, lost)


def set_aside_unreadable(path: Path) -> None:
    """Copy a journal of which not even the head counts, before it is replaced.

    Raises
    ------
    SessionFileError
        If it cannot be read or the copy cannot be written.
    """
    if read_journal(path) is None and path.exists():
        _copy_aside(path)


class Journal:
    """A journal that is written to; build it with `start` or `resume`.

    Parameters
    ----------
    path
        Of a file that ends with a whole line.
    name
        Of the journal.
    count
        Actions in it.
    """

    def __init__(self, path: Path, name: str, count: int) -> None:
        self.path = path
        self.name = name
        self.count = count
        self._file = path.open("ab", buffering=0)
        self._is_torn = False

    @classmethod
    def start(cls, path: Path, name: str) -> Journal:
        """Begin a journal in place of the one that is there.

        Raises
        ------
        SessionFileError
            If it cannot be written.
        """
        head = {"n": 0, "format": FORMAT, "version": VERSION, "journal": name}
        write_durably(path, _sealed(to_line(head)[1:]))
        try:
            return cls(path, name, 0)
        except OSError as error:
            raise _cannot_write(path, error) from error

    @classmethod
    def resume(cls, path: Path, content: JournalContent) -> Journal:
        """Go on with a journal; what does not count of it is taken away.

        Raises
        ------
        SessionFileError
            If it cannot be written.
        """
        try:
            if content.lost_lines:
                _copy_aside(path)
            os.truncate(path, content.valid_bytes)
            return cls(path, content.name, len(content.actions))
        except OSError as error:
            raise _cannot_write(path, error) from error

    @property
    def nbytes(self) -> int:
        """Size of the file."""
        return os.fstat(self._file.fileno()).st_size

    def append(self, kind: str, field: str, text: str) -> None:
        """Add an action, which is on the disk when this returns.

        Parameters
        ----------
        kind
            What happened.
        field, text
            Name of what belongs to it, and that as JSON in one line of ASCII.

        Raises
        ------
        SessionFileError
            If it cannot be written; then the journal is as it was.
        """
        if self._is_torn or self._file.closed:
            raise SessionFileError(
                f"{self.path} takes no more actions, because it was closed or writing "
                "failed; save the session again, or somewhere else"
            )
        line = _sealed(
            f'"n":{self.count + 1},"kind":{json.dumps(kind)},"{field}":{text}}}'
        )
        before = self.nbytes
        try:
            _write_all(self._file.fileno(), line)
            os.fsync(self._file.fileno())
        except OSError as error:
            self._take_back(before)
            raise _cannot_write(self.path, error) from error
        self.count += 1

    def close(self) -> None:
        """Take no more actions."""
        self._file.close()

    def _take_back(self, nbytes: int) -> None:
        """Cut off what was written of an action, or write nothing after it."""
        self._is_torn = True
        with contextlib.suppress(OSError):
            os.ftruncate(self._file.fileno(), nbytes)
            self._is_torn = False


def _copy_aside(path: Path) -> None:
    """Keep a copy of what no crash leaves, so that somebody can look at it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _cannot_write(path, error) from error
    write_durably(path.with_name(path.name + DAMAGED_SUFFIX), content)


def _valid_lines(content: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the lines that count, and where each one ends."""
    start, number = 0, 0
    while (end := content.find(b"\n", start) + 1) > 0:
        line = content[start : end - 1]
        rest = line[_SEALED_FROM:]
        if line[:_SEALED_FROM] != _START + _seal(rest):
            return
        plain = json.loads(line)
        if plain.pop("n") != number:
            return
        del plain["seal"]
        yield plain, end
        start, number = end, number + 1


def _sealed(members: str) -> bytes:
    """Return a line: JSON without its opening brace, after a seal over it."""
    rest = b'",' + members.encode("ascii")
    return _START + _seal(rest) + rest + b"\n"


def _seal(rest: bytes) -> bytes:
    return xxhash.xxh3_64_hexdigest(rest).encode()


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def _cannot_write(path: Path, error: OSError) -> SessionFileError:
    reason = error.strerror or str(error)
    return SessionFileError(
        f"cannot write {path}: {reason}; free some space, or save the session "
        "somewhere else"
    )
