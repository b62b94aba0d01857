"""A session that is on the disk at any moment, while somebody works in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from tilesam.annotation.session_file import SessionFile
from tilesam.errors import SessionFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from pathlib import Path

    from tilesam.annotation.document import SessionDocument
    from tilesam.annotation.history import EditHistory, Kind
    from tilesam.annotation.packing import PackedEdit
    from tilesam.types import Prompts

    Describe: TypeAlias = Callable[[], SessionDocument]
    """Returns the session as it is now."""

    OnFailure: TypeAlias = Callable[[SessionFileError], None]

MOST_ACTIONS, MOST_BYTES = 1000, 16 * 1024**2
"""A journal beyond one of these is made part of the document when it is closed."""


class Autosave:
    """Keeps edits, prompts and settings in a session's file as they happen.

    Build it with `begin` or `resume`. It belongs to the thread of the history.

    Parameters
    ----------
    file
        That is open for changes.
    history
        Every step of it is recorded from now on, see `EditHistory.record`; None before
        there are labels.
    describe
        Returns the session as it is; called to save it as a whole.
    on_failure
        Told why something cannot be recorded; then recording has ended, and the work
        goes on without it. By default that is raised, and stops the step.
    """

    def __init__(
        self,
        file: SessionFile,
        history: EditHistory | None,
        describe: Describe,
        on_failure: OnFailure | None = None,
    ) -> None:
        self._file = file
        self._history = history
        self._describe = describe
        self._on_failure = on_failure
        self._has_failed = False
        self._listen()

    @classmethod
    def begin(
        cls,
        path: str | PathLike[str],
        history: EditHistory | None,
        describe: Describe,
        *,
        replacing: bool = False,
        on_failure: OnFailure | None = None,
    ) -> Autosave:
        """Save a session for the first time, and all that happens from now on.

        Parameters
        ----------
        path
            Of the new file.
        history, describe, on_failure
            See the class.
        replacing
            Whether another session may be there, which is lost.

        Raises
        ------
        SessionFileError
            See `SessionFile.create`.
        """
        file = SessionFile.create(path, describe(), replacing=replacing)
        return cls(file, history, describe, on_failure)

    @classmethod
    def resume(
        cls,
        file: SessionFile,
        history: EditHistory | None,
        describe: Describe,
        *,
        on_failure: OnFailure | None = None,
    ) -> Autosave:
        """Go on with a session that was opened and replayed."""
        return cls(file, history, describe, on_failure)

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._file.path

    def follow(self, history: EditHistory | None) -> None:
        """Record the steps of another history from now on, beginning with its labels.

        Raises
        ------
        SessionFileError
            See `save`.
        """
        self._let_go()
        self._history = history
        self._listen()
        self.save()

    def record_prompts(self, prompts: Prompts | None) -> None:
        """Record what is being asked now; None if it was accepted or cleared.

        Raises
        ------
        SessionFileError
            If it cannot be written and nobody else is told.
        """
        self._attempt(partial(self._file.record_prompts, prompts))

    def record_settings(self, settings: Mapping[str, Any]) -> None:
        """Record all settings, as plain JSON.

        Raises
        ------
        SessionFileError
            If they are no plain JSON, or cannot be written and nobody else is told.
        """
        self._attempt(partial(self._file.record_settings, settings))

    def save(self) -> None:
        """Save the session as it is as a whole; nothing is lost if that fails.

        Raises
        ------
        SessionFileError
            If it cannot be written and nobody else is told.
        """
        self._attempt(lambda: self._file.save(self._describe()))

    def close(self) -> None:
        """Record no more, and let others open the file.

        A journal that has become long is made part of the document, for reading it
        takes time.

        Raises
        ------
        SessionFileError
            If that cannot be written; the file is closed, and complete, all the same.
        """
        self._let_go()
        try:
            if not self._has_failed and self._is_long:
                self._file.save(self._describe())
        finally:
            self._file.close()

    @property
    def _is_long(self) -> bool:
        file = self._file
        return file.unsaved_actions > MOST_ACTIONS or file.journal_nbytes > MOST_BYTES

    def _listen(self) -> None:
        if self._history is not None:
            self._history.record = self._record

    def _let_go(self) -> None:
        # Another file may have taken over.
        if self._history is not None and self._history.record == self._record:
            self._history.record = None

    def _record(self, kind: Kind, step: PackedEdit) -> None:
        self._attempt(partial(self._file.record, kind, step))

    def _attempt(self, write: Callable[[], None]) -> None:
        """Write something, or end here if that fails and somebody is told."""
        if self._has_failed:
            return
        try:
            write()
        except SessionFileError as error:
            if self._on_failure is None:
                raise
            self._has_failed = True
            self._let_go()
            self._file.close()
            self._on_failure(error)
