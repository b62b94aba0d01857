"""A button with a menu of file formats, which asks for the place to write to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from napari_sam.views.questions import ask_file
from napari_sam.views.records import ExportFormat


class ExportButton(QPushButton):
    """Tells the path of the file that is to be written.

    Parameters
    ----------
    choose_file
        Returns the path to write, or None.
    """

    export_requested = Signal(str)

    def __init__(
        self,
        choose_file: Callable[[QWidget, str, str, str], str | None] = ask_file,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Export", parent)
        self._choose_file = choose_file
        self._name = "objects"
        self._formats: tuple[ExportFormat, ...] = ()
        self._has_objects = False
        self.setToolTip("Write all objects with their scores to a file")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMenu(QMenu(self))

    def set_formats(self, formats: Sequence[ExportFormat], name: str) -> None:
        """Offer formats, and the name of the file without suffix."""
        self._formats, self._name = tuple(formats), name
        self.menu().clear()
        for kind in self._formats:
            action = self.menu().addAction(f"{kind.name} ({kind.suffix})…")
            action.triggered.connect(lambda _=False, kind=kind: self._ask(kind))
        self._enable()

    def set_has_objects(self, has_objects: bool) -> None:
        """Say whether there is anything to write."""
        self._has_objects = has_objects
        self._enable()

    def _enable(self) -> None:
        self.setEnabled(bool(self._formats) and self._has_objects)

    def _ask(self, kind: ExportFormat) -> None:
        title = f"Export objects as {kind.name}"
        kinds = f"{kind.name} (*{kind.suffix})"
        path = self._choose_file(self, title, f"{self._name}{kind.suffix}", kinds)
        if path:
            # Dialogs do not add what somebody left out, and the suffix tells the kind.
            is_named = path.lower().endswith(kind.suffix.lower())
            self.export_requested.emit(path if is_named else path + kind.suffix)
