"""Undo and redo over many steps, for what was accepted and what was drawn alike."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from psygnal import Signal

from tilesam.annotation.packing import PackedEdit, pack_edit
from tilesam.errors import AnnotationError, SessionFileError

if TYPE_CHECKING:
    from tilesam.annotation.edits import Edit
    from tilesam.annotation.rows import ObjectRows
    from tilesam.annotation.targets import LabelTarget

Kind: TypeAlias = Literal["do", "note", "undo", "redo"]

Recorder: TypeAlias = Callable[[Kind, PackedEdit], None]
"""Told of every step; the edit is the one that was done first, also for "undo"."""

DEPTH = 1000
MAX_BYTES = 128 * 1024**2

_OPPOSITE: dict[Kind, Kind] = {"do": "undo", "undo": "redo", "redo": "undo"}


@dataclass(frozen=True, eq=False)
class HistoryChange:
    """What listeners are told.

    Parameters
    ----------
    kind
        What happened.
    edit
        As it was applied to the labels: of an undone edit the inverse.
    """

    kind: Kind
    edit: Edit


class EditHistory:
    """Applies edits to labels and rows, and takes them back.

    It belongs to one thread, that of the labels.

    Parameters
    ----------
    target, rows
        What is changed. Whatever else writes to them has to be told by `note`.
    depth
        How many steps can be undone.
    max_bytes
        How much all steps may take, packed. The latest is kept whatever its size.
    record
        Called before an edit is applied, so that a journal knows of whatever the labels
        may have a part of; what it raises stops the edit. Of what was already made,
        see `note`, it is told afterwards.

    Raises
    ------
    AnnotationError
        If the depth is not positive.
    """

    changed = Signal(HistoryChange)

    def __init__(
        self,
        target: LabelTarget,
        rows: ObjectRows,
        *,
        depth: int = DEPTH,
        max_bytes: int = MAX_BYTES,
        record: Recorder | None = None,
    ) -> None:
        if depth < 1:
            raise AnnotationError(f"depth is {depth}; expected 1 or more steps")
        self.target = target
        self.rows = rows
        self.record = record
        self._limits = depth, max_bytes
        self._undo: deque[PackedEdit] = deque()
        self._redo: deque[PackedEdit] = deque()
        self._is_writing = False

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._redo)

    @property
    def undo_names(self) -> list[str]:
        """Names of the steps that can be undone, the latest first."""
        return [step.name for step in reversed(self._undo)]

    @property
    def redo_names(self) -> list[str]:
        """Names of the steps that can be redone, the next one first."""
        return [step.name for step in reversed(self._redo)]

    @property
    def nbytes(self) -> int:
        """What all steps take in memory."""
        return sum(step.nbytes for steps in (self._undo, self._redo) for step in steps)

    def do(self, edit: Edit) -> None:
        """Make an edit; one that changes nothing leaves no step.

        Raises
        ------
        AnnotationError
            If it was planned before other edits that changed the same objects.
        Exception
            What the labels raise when they cannot be written; then they, the rows and
            the steps are as before, as far as they can be.
        """
        if not edit.is_empty:
            self._perform("do", pack_edit(edit), edit)

    def note(self, edit: Edit) -> None:
        """Take an edit into the history that the labels have already, drawn by hand.

        Raises
        ------
        AnnotationError
            See `do`; also in the middle of another edit, which would mix the two up:
            end strokes before an edit is planned or undone.
        """
        if edit.is_empty:
            return
        self._require_idle()
        step = pack_edit(edit)
        self._finish("note", step, edit)
        if self.record is not None:
            self.record("note", step)

    def undo(self) -> Edit | None:
        """Take the latest edit back and return it; None if there is none."""
        if not self._undo:
            return None
        step = self._undo[-1]
        edit = step.unpack()
        self._perform("undo", step, edit.inverted())
        return edit

    def redo(self) -> Edit | None:
        """Make the edit again that was undone last and return it; None if none was."""
        if not self._redo:
            return None
        step = self._redo[-1]
        edit = step.unpack()
        self._perform("redo", step, edit)
        return edit

    def repeat(self, kind: Kind, step: PackedEdit) -> None:
        """Do what a recorder was told, without telling it again.

        What was made before the record began can be undone here as well, because a
        record of "undo" brings the edit along.

        Raises
        ------
        AnnotationError
            If the rows are not those at which it was recorded.
        KeyError, TypeError, ValueError
            If the edit cannot be unpacked.
        """
        edit = step.unpack()
        edit = edit.inverted() if kind == "undo" else edit
        self.rows.require_fit(edit.rows)
        self._write(edit)
        self._finish(kind, step, edit)

    def clear(self) -> None:
        """Forget all steps; labels and rows stay."""
        self._undo.clear()
        self._redo.clear()

    def _require_idle(self) -> None:
        if self._is_writing:
            raise AnnotationError(
                "the labels were drawn on while an edit was being made; expected one "
                "after the other; end the stroke first"
            )

    def _perform(self, kind: Kind, step: PackedEdit, edit: Edit) -> None:
        self._require_idle()
        self.rows.require_fit(edit.rows)
        if self.record is not None:
            self.record(kind, step)
        try:
            self._write(edit)
        except BaseException:
            if self.record is not None:
                with contextlib.suppress(SessionFileError):
                    self.record(_OPPOSITE[kind], step)
            raise
        self._finish(kind, step, edit)

    def _write(self, edit: Edit) -> None:
        """Write the pixels of an edit, or leave them as they were."""
        begun = []
        self._is_writing = True
        try:
            for change in edit.changes:
                begun.append(change)
                self.target.write(change.indices, change.after)
        except BaseException:
            # Whatever stopped it may stop this too; the first reason is told.
            with contextlib.suppress(Exception):
                for change in reversed(begun):
                    self.target.write(change.indices, change.before)
            raise
        finally:
            self._is_writing = False

    def _finish(self, kind: Kind, step: PackedEdit, edit: Edit) -> None:
        self.rows.apply(edit.rows)
        self._respect_foreign(edit)
        self._move(kind, step)
        self.changed.emit(HistoryChange(kind, edit))

    def _respect_foreign(self, edit: Edit) -> None:
        """Make sure that no object gets a label that was drawn without a row."""
        highest = (int(change.after.max(initial=0)) for change in edit.changes)
        painted = max(highest, default=0)
        if painted > self.rows.highest:
            self.rows.foreign_highest = painted

    def _move(self, kind: Kind, step: PackedEdit) -> None:
        source, end = (
            (self._undo, self._redo) if kind == "undo" else (self._redo, self._undo)
        )
        if kind in ("do", "note"):
            self._redo.clear()
        elif source:
            source.pop()
        end.append(step)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        depth, max_bytes = self._limits
        while len(self._undo) > depth:
            self._undo.popleft()
        nbytes = self.nbytes
        while nbytes > max_bytes and len(self._undo) + len(self._redo) > 1:
            steps = self._undo if len(self._undo) > 1 or not self._redo else self._redo
            nbytes -= steps.popleft().nbytes
