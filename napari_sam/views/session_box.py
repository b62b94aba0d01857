"""The file that work is saved to, and the offer to go on with earlier work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget
from superqt import QElidingLabel

from napari_sam.views.building import (
    SPACING,
    build_button,
    build_column,
    build_heading,
    build_text,
)
from napari_sam.views.framed import Framed
from napari_sam.views.questions import ask_file, ask_file_to_open

SUFFIX = ".sam.json"
_KINDS = f"Sessions (*{SUFFIX})"
_NOT_SAVED = "Not saved yet"

_ELLIPSIS = 8
"""Of a label under a style sheet, on both sides, of which eliding knows nothing."""


class SessionBox(QWidget):
    """Name of the file, open, save; and above them an offer, while there is one.

    Parameters
    ----------
    choose_file
        Returns the path to write, or None.
    choose_file_to_open
        Returns the path to read, or None.
    """

    open_requested = Signal(str)
    save_requested = Signal(str)
    restore_requested = Signal()
    offer_dismissed = Signal()

    def __init__(
        self,
        *,
        choose_file: Callable[[QWidget, str, str, str], str | None] = ask_file,
        choose_file_to_open: Callable[
            [QWidget, str, str, str], str | None
        ] = ask_file_to_open,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._choose_file = choose_file
        self._choose_file_to_open = choose_file_to_open
        self._path: str | None = None
        self._name = "session"
        self.place = QElidingLabel(_NOT_SAVED)
        # Both ends of a name tell something: the image and the kind of file.
        self.place.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.place.setIndent(0)
        self.place.setEllipsesWidth(_ELLIPSIS)
        self.open = build_button(
            "Open", "Go on with a session that was saved to a file", self._on_open
        )
        self.save = build_button("Save as", "", self._on_save)
        self._build_offer()
        self._lay_out()
        self.set_offer(None)
        self.set_place(None)

    def _build_offer(self) -> None:
        self.offer = Framed(dashed=True)
        self.offer_text = build_text()
        self.restore = build_button(
            "Restore", "Bring back the objects of this session", self.restore_requested
        )
        self.dismiss = build_button(
            "Not now", "Begin anew; the earlier session stays saved", self._on_dismiss
        )
        column = build_column(self.offer)
        column.addWidget(self.offer_text)
        column.addLayout(_side_by_side(self.restore, self.dismiss))

    def _lay_out(self) -> None:
        column = build_column(self, margin=0)
        for widget in (build_heading("Session"), self.offer, self.place):
            column.addWidget(widget)
        column.addLayout(_side_by_side(self.open, self.save))

    def set_place(self, path: str | None) -> None:
        """Say where the session is saved, after every step.

        Parameters
        ----------
        path
            None while it is saved nowhere.
        """
        self._path = path
        self.place.setText(PurePath(path).name if path else _NOT_SAVED)
        self.place.setToolTip(path or "Save it once; from then on every step is saved")
        self.place.setAccessibleName(path or _NOT_SAVED)
        saved = "Save to another file and go on there"
        self.save.setToolTip(saved if path else "Save now, and after every step")

    def set_name(self, name: str) -> None:
        """Offer a name, without suffix, for a session that is saved for the first time.

        That of the image, for example; a file next to it if it is a path.
        """
        self._name = name or "session"

    def set_offer(self, text: str | None) -> None:
        """Offer earlier work.

        Parameters
        ----------
        text
            What there is, for example "12 objects from 14:03 on 3 May"; None if there
            is nothing.
        """
        self.offer_text.setText(text or "")
        self.offer.setAccessibleDescription(text or "")
        self.offer.setVisible(bool(text))

    def _on_open(self) -> None:
        path = self._choose_file_to_open(self, "Open session", self._path or "", _KINDS)
        if path:
            self.open_requested.emit(path)

    def _on_save(self) -> None:
        start = self._path or f"{self._name}{SUFFIX}"
        path = self._choose_file(self, "Save session as", start, _KINDS)
        if path:
            # Dialogs do not add what somebody left out.
            is_named = path.lower().endswith(SUFFIX)
            self.save_requested.emit(path if is_named else path + SUFFIX)

    def _on_dismiss(self) -> None:
        self.set_offer(None)
        self.offer_dismissed.emit()


def _side_by_side(*buttons: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACING)
    for button in buttons:
        row.addWidget(button)
    return row
