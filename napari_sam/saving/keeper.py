"""Saves what is done with an image by itself, step by step."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari.layers import Labels
from psygnal import Signal

from napari_sam.controllers.messages import message_of
from napari_sam.saving.describing import (
    describe_session,
    describe_settings,
    image_record,
)
from napari_sam.saving.places import labels_place, new_place
from tilesam.annotation.autosave import Autosave
from tilesam.annotation.document import ImageRecord, ModelRecord, SessionDocument
from tilesam.annotation.session_file import FileState, SessionFile
from tilesam.errors import PromptError, SessionFileError
from tilesam.types import Prompts

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.layers.objects_layer import ObjectsLayer
    from napari_sam.state.prompts import PromptSet

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
"""Another window may take the same new place at the same moment."""


class SessionKeeper:
    """Keeps a session's file up to date with an annotator; on the GUI thread.

    A file is made at the first prompt or the first step in an objects layer, and one
    more when masks go to another layer. A crash loses the last action at most.

    Parameters
    ----------
    annotator
        Whose prompts and objects are saved.
    folder
        For files that nobody gave a name.
    is_automatic
        Whether such files are made. If not, everything is saved from `save_as` on.

    Attributes
    ----------
    changed
        Emitted when the path is another one, or there is a message.
    message
        Why nothing is saved any more; empty if all is well.
    """

    changed = Signal()

    def __init__(
        self, annotator: Annotator, folder: Path, *, is_automatic: bool = True
    ) -> None:
        self.folder, self.is_automatic = folder, is_automatic
        self.message = ""
        self._annotator = annotator
        self._saving: Autosave | None = None
        self._file: SessionFile | None = None
        self._followed: ObjectsLayer | None = None
        self._left: WeakKeyDictionary[Labels, tuple[Path, FileState]] = (
            WeakKeyDictionary()
        )
        self._reserved: Path | None = None
        self._of: tuple[ImageRecord, ModelRecord] | None = None
        self._asked: tuple[PromptSet, Prompts] | None = None
        self._is_paused = False
        for signal, callback in self._connections():
            signal.connect(callback)

    @property
    def path(self) -> Path | None:
        """Of the file; None while nothing is saved."""
        return None if self._saving is None else self._saving.path

    def save_as(self, path: Path) -> None:
        """Save to another file from now on; one that made itself is removed.

        Raises
        ------
        SessionFileError
            If it cannot be written; then all goes on as it was.
        """
        before, file = self._saving, self._file
        if before is not None and before.path == path.absolute():
            before.save()
            return
        self._begin(path)
        if before is not None:
            if before.path.parent == self.folder.absolute():
                file.discard()
            before.close()

    def labels_folder(self) -> Path:
        """Return a folder for labels that are too large for the session's file."""
        if self._saving is not None and self._followed is None:
            return labels_place(self._saving.path)
        self._reserved = self._new_place()
        return labels_place(self._reserved)

    def pause(self) -> None:
        """Leave the present file as it is; what is empty is removed."""
        self._is_paused = True
        self._end()

    def go_on(self, file: SessionFile | None = None) -> None:
        """Save again after `pause`, to a file that was restored if there is one."""
        self._is_paused = False
        self._followed = self._annotator.objects.current
        if file is not None:
            self._save_to(file)
        self.changed.emit()

    def close(self) -> None:
        """Save no more."""
        for signal, callback in self._connections():
            signal.disconnect(callback)
        self.pause()

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        events = self._annotator.annotation.events
        return (
            (self._annotator.opened, self._on_opened),
            (self._annotator.objects.changed, self._on_objects),
            (events.generation, self._on_asked),
            (events.prompts, self._on_prompts),
            (events.chosen, self._record_settings),
            (events.refines, self._record_settings),
        )

    def _on_opened(self) -> None:
        annotator = self._annotator
        session = annotator.session
        self._of = image_record(annotator.image, session), ModelRecord.of(session.model)
        self._record_settings()

    def _on_asked(self) -> None:
        """Record prompts once they are asked, together with the mask they refine."""
        state, session = self._annotator.annotation, self._annotator.session
        prompts, base = state.prompts, state.base
        if self._is_paused or session is None or not len(prompts):
            return
        try:
            asked = prompts.to_engine(session.image_hw, base)
        except PromptError:
            return
        earlier = self._asked
        if earlier and earlier[0] == prompts and earlier[1].mask_input is base:
            return
        self._asked = prompts, asked
        if self._saving is None:
            self._begin()
        else:
            self._saving.record_prompts(asked)

    def _on_prompts(self, prompts: PromptSet) -> None:
        if not len(prompts) and self._asked is not None:
            self._asked = None
            if self._saving is not None and not self._is_paused:
                self._saving.record_prompts(None)

    def _on_objects(self) -> None:
        if self._is_paused:
            return
        chosen = self._annotator.objects.current
        if chosen is not self._followed:
            self._follow(chosen)
        elif chosen is not None and self._saving is None and _has_steps(chosen):
            self._begin()

    def _follow(self, chosen: ObjectsLayer | None) -> None:
        """Save another layer, in another file unless there was none before."""
        if self._followed is None and chosen is not None and self._saving is not None:
            self._followed = chosen
            self._saving.follow(chosen.history)
            return
        self._end()
        self._followed = chosen
        self.changed.emit()

    def _begin(self, path: Path | None = None) -> None:
        """Save to a file that somebody chose, or to one that makes itself."""
        if self._of is None or not (path or self.is_automatic):
            return
        try:
            if path is None:
                file = self._create_somewhere()
            else:
                file = SessionFile.create(path, self._describe(), replacing=True)
        except (SessionFileError, OSError) as error:
            if path is not None:
                raise
            self.is_automatic = False
            self._tell(error)
            return
        self._reserved = None
        self._save_to(file)
        self.changed.emit()

    def _create_somewhere(self) -> SessionFile:
        """Make a file, in place of the layer's own if nobody has changed that since.

        Another window may have gone on with it, whose work would be lost.
        """
        chosen = self._followed
        left = None if chosen is None else self._left.get(chosen.layer)
        if left is not None:
            with contextlib.suppress(SessionFileError):
                path, state = left
                return SessionFile.create(
                    path, self._describe(), replacing=True, unchanged_since=state
                )
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(SessionFileError):
                return self._create_in_new_place()
        return self._create_in_new_place()

    def _create_in_new_place(self) -> SessionFile:
        place, self._reserved = self._reserved or self._new_place(), None
        return SessionFile.create(place, self._describe())

    def _save_to(self, file: SessionFile) -> None:
        history = None if self._followed is None else self._followed.history
        self._file = file
        self._saving = Autosave.resume(
            file, history, self._describe, on_failure=self._on_failure
        )

    def _new_place(self) -> Path:
        if self._of is None:
            raise SessionFileError(
                "the image is not open yet; expected a session; wait a moment"
            )
        return new_place(self.folder, self._of[0])

    def _describe(self) -> SessionDocument:
        image, model = self._of
        asked = None if self._asked is None else self._asked[1]
        return describe_session(
            *(image, model, self._annotator, self._followed), prompts=asked
        )

    def _record_settings(self, *_: object) -> None:
        if self._saving is not None and not self._is_paused:
            self._saving.record_settings(
                describe_settings(self._annotator, self._followed)
            )

    def _end(self) -> None:
        """Let go of the file, and leave none behind in which there is nothing."""
        if self._saving is None:
            return
        file, chosen = self._file, self._followed
        rows = None if chosen is None else chosen.rows
        is_empty = rows is None or not (len(rows) or rows.foreign_highest)
        is_own = file.path.parent == self.folder.absolute()
        if is_empty and self._asked is None and is_own:
            file.discard()
        try:
            self._saving.close()
        except SessionFileError as error:
            self._tell(error)
        self._saving = None
        if chosen is not None and file.left_as is not None:
            self._left[chosen.layer] = file.path, file.left_as

    def _on_failure(self, error: SessionFileError) -> None:
        self._saving, self.is_automatic = None, False
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        logger.warning("the session is not saved: %s", error)
        self.message = f"not saved any more: {message_of(error)}"
        self.changed.emit()


def _has_steps(chosen: ObjectsLayer) -> bool:
    return chosen.history.can_undo or chosen.history.can_redo
