"""A session on the disk: a document, and a journal of what happened since.

    work.sam.json            the session when it was last saved
    work.sam.json.journal    a line for each action since then
    work.sam.json.lock       held by whoever has it open

Saving writes the document first and begins a new journal after that. In between, the
document says that the old journal is part of it.
"""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import filelock

from tilesam.annotation.document import read_document, write_document
from tilesam.annotation.journal import (
    DAMAGED_SUFFIX,
    Journal,
    read_journal,
    set_aside_unreadable,
)
from tilesam.annotation.packing import to_line
from tilesam.annotation.provenance import prompts_to_plain
from tilesam.errors import SessionFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike
    from types import TracebackType

    from tilesam.annotation.document import SessionDocument
    from tilesam.annotation.history import Kind
    from tilesam.annotation.journal import JournalContent
    from tilesam.annotation.packing import PackedEdit
    from tilesam.types import Prompts

JOURNAL, LOCK = ".journal", ".lock"

_ATTEMPTS = 5
"""A session may be saved just while it is read."""

_SECONDS_OF_PATIENCE = 1.0
"""Whoever asks `is_open_somewhere` holds the lock for a moment."""

FileState: TypeAlias = tuple[tuple[int, int] | None, ...]
"""When document and journal were written to last, in nanoseconds, and their bytes."""


@dataclass(frozen=True, eq=False)
class LoadedSession:
    """What is on the disk of a session.

    Parameters
    ----------
    document
        When it was last saved.
    actions
        Since then, as plain JSON; `tilesam.annotation.replaying.replay` makes them.
    """

    document: SessionDocument
    actions: tuple[dict[str, Any], ...] = ()


def load_session(path: str | PathLike[str]) -> LoadedSession:
    """Read a session without opening it for changes.

    Raises
    ------
    SessionFileError
        If it is missing, damaged, something else or of another version.
    """
    return _load(Path(path).absolute())[0]


def is_open_somewhere(path: str | PathLike[str]) -> bool:
    """Return whether somebody, here or in another program, has a session open."""
    lock = filelock.FileLock(_beside(Path(path).absolute(), LOCK), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        return True
    lock.release()
    return False


class SessionFile:
    """A session that is open for changes; build it with `create` or `open`.

    Whatever is recorded is on the disk when the call returns. One process at a time
    has a session open, and one thread at a time may call this.

    Parameters
    ----------
    path
        Of the document.
    loaded
        What was there when it was opened.
    journal
        The journal that goes on from there.
    lock
        Acquired, and released by `close`.

    Attributes
    ----------
    left_as
        In what state `close` left it, for `create`; None while it is open, and if it
        was discarded.
    """

    def __init__(
        self,
        path: Path,
        loaded: LoadedSession,
        journal: Journal,
        lock: filelock.BaseFileLock,
    ) -> None:
        self.path = path
        self.loaded = loaded
        self._journal = journal
        self._lock = lock
        self._is_discarded = False
        self.left_as: FileState | None = None

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        document: SessionDocument,
        *,
        replacing: bool = False,
        unchanged_since: FileState | None = None,
    ) -> SessionFile:
        """Save a session for the first time and keep it open.

        Parameters
        ----------
        path
            Of the file, by convention something.sam.json; missing folders are made.
        document
            What to save.
        replacing
            Whether another session may be there, which is lost.
        unchanged_since
            Replace it only in this state, see `left_as`.

        Raises
        ------
        SessionFileError
            If it cannot be written, is open elsewhere, is there already, or has been
            changed.
        """
        file = Path(path).absolute()
        with _locked(file) as lock:
            if file.exists() and not replacing:
                raise SessionFileError(
                    f"{file} exists; open it to go on with it, or choose another name"
                )
            # Now that it is locked: before, somebody might still work in it.
            if unchanged_since is not None and unchanged_since != _state_of(file):
                raise SessionFileError(
                    f"{file} has been changed, maybe in another window; open it to go "
                    "on with it, or choose another name"
                )
            named = _named(document, _name_of_journal(file))
            write_document(file, named)
            journal = Journal.start(_beside(file, JOURNAL), named.journal)
            return cls(file, LoadedSession(named), journal, lock)

    @classmethod
    def open(cls, path: str | PathLike[str]) -> SessionFile:
        """Open a session to go on with it; `loaded` is what it holds.

        Raises
        ------
        SessionFileError
            See `load_session`; also if it is open elsewhere or cannot be written to.
        """
        file = Path(path).absolute()
        if not file.exists():
            read_document(file)  # which says so, before a lock is made
        with _locked(file) as lock:
            loaded, content = _load(file)
            place = _beside(file, JOURNAL)
            if content is None:
                set_aside_unreadable(place)
                journal = Journal.start(place, loaded.document.journal)
            else:
                journal = Journal.resume(place, content)
            return cls(file, loaded, journal, lock)

    @property
    def unsaved_actions(self) -> int:
        """How many actions the journal holds."""
        return self._journal.count

    @property
    def journal_nbytes(self) -> int:
        """Size of the journal; time to `save` when it gets large."""
        return self._journal.nbytes

    def record(self, kind: Kind, step: PackedEdit) -> None:
        """Record an edit; it is what `EditHistory` takes as `record`.

        Raises
        ------
        SessionFileError
            If it cannot be written; then nothing of it is there.
        """
        self._journal.append(kind, "edit", step.text)

    def record_prompts(self, prompts: Prompts | None) -> None:
        """Record what is being asked now; None if it was accepted or cleared.

        Raises
        ------
        SessionFileError
            See `record`.
        """
        plain = None if prompts is None else prompts_to_plain(prompts)
        self._append("prompts", plain)

    def record_settings(self, settings: Mapping[str, Any]) -> None:
        """Record all settings.

        Raises
        ------
        SessionFileError
            See `record`.
        """
        self._append("settings", dict(settings))

    def save(self, document: SessionDocument) -> None:
        """Save everything, and begin a new journal.

        Parameters
        ----------
        document
            The session as it is now.

        Raises
        ------
        SessionFileError
            If it cannot be written. Then what was saved and recorded before is still
            there, and recording goes on.
        """
        if not self._lock.is_locked:
            raise SessionFileError(
                f"{self.path} was closed and may be open elsewhere; open it again"
            )
        named = _named(document, self._journal.name)
        write_document(self.path, named)
        # From here on the old journal counts for nothing: nobody may write to it.
        self._journal.close()
        self._journal = Journal.start(_beside(self.path, JOURNAL), named.journal)

    def discard(self) -> None:
        """Have `close` remove the session, and whatever lies beside it."""
        self._is_discarded = True

    def close(self) -> None:
        """Let others open it. A journal without actions is removed."""
        is_empty = not self._journal.count
        self._journal.close()
        if not self._lock.is_locked:
            return
        # All of it under the lock: after that it may be the work of somebody else.
        if self._is_discarded:
            _remove(self.path)
        else:
            if is_empty:
                _remove_file(self._journal.path)
            self.left_as = _state_of(self.path)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, kind: str, plain: Mapping[str, Any] | None) -> None:
        try:
            text = "null" if plain is None else to_line(plain)
        except (TypeError, ValueError) as error:
            raise SessionFileError(
                f"the {kind} cannot be recorded: {error}; expected numbers, texts, "
                "lists and dicts"
            ) from error
        self._journal.append(kind, kind, text)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[filelock.BaseFileLock]:
    """Acquire the lock of a session, and release it only if the block fails."""
    # Any thread may close what another one has opened.
    lock = filelock.FileLock(_beside(file, LOCK), thread_local=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_SECONDS_OF_PATIENCE)
    except filelock.Timeout as error:
        raise SessionFileError(
            f"{file} is open already, here or in another program; close it there, or "
            "choose another file"
        ) from error
    except OSError as error:
        raise SessionFileError(
            f"cannot write {file}: {error.strerror or error}; choose a folder that you "
            "may write to"
        ) from error
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _remove(file: Path) -> None:
    """Remove a session that is locked; its lock comes last."""
    for suffix in ("", JOURNAL, JOURNAL + DAMAGED_SUFFIX, LOCK):
        _remove_file(_beside(file, suffix))


def _remove_file(path: Path) -> None:
    # Where a lock cannot be removed while it is held, its release does it.
    with contextlib.suppress(OSError):
        path.unlink()


def _state_of(file: Path) -> FileState:
    found: list[tuple[int, int] | None] = []
    for path in (file, _beside(file, JOURNAL)):
        try:
            stat = path.stat()
        except OSError:
            found.append(None)
            continue
        found.append((stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _load(file: Path) -> tuple[LoadedSession, JournalContent | None]:
    """Return a session, and its journal if that goes on from the document."""
    for _ in range(_ATTEMPTS):
        document = read_document(file)
        content = read_journal(_beside(file, JOURNAL))
        if content is None or content.name == document.replaces:
            return LoadedSession(document), None
        if content.name == document.journal:
            return LoadedSession(document, content.actions), content
    raise SessionFileError(
        f"{file}{JOURNAL} belongs to another session than {file}; restore the file "
        "that belongs to it, or move the journal away to open the session without it"
    )


def _name_of_journal(file: Path) -> str:
    """Return the name of the journal that a new session takes the place of."""
    try:
        content = read_journal(_beside(file, JOURNAL))
    except SessionFileError:
        return ""
    return "" if content is None else content.name


def _named(document: SessionDocument, replaces: str) -> SessionDocument:
    return replace(document, journal=uuid.uuid4().hex, replaces=replaces)


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)
