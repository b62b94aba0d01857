"""The labels layer that accepted masks go to: which, how, and what was done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_sam.views.building import (
    SPACING,
    Rows,
    build_button,
    build_column,
    build_heading,
    finish_panel,
)
from napari_sam.views.choice_box import ChoiceBox
from napari_sam.views.eliding_button import ElidingButton
from napari_sam.views.export_button import ExportButton
from napari_sam.views.message_line import MessageLine
from napari_sam.views.numbers import counted
from napari_sam.views.questions import ask_file
from napari_sam.views.records import ExportFormat, Policy, Tone
from napari_sam.views.sentences import step_label, with_key

_POLICIES: tuple[tuple[str, Policy], ...] = (
    ("Keep what is there", "keep"),
    ("Overwrite", "overwrite"),
    ("Ask each time", "ask"),
)


class ObjectsPanel(QWidget):
    """Layer, policy, undo, redo, count, export.

    Parameters
    ----------
    keys
        Which key does what, for the tooltips: `undo`, `redo`.
    choose_file
        Returns the path to write, or None.
    """

    layer_chosen = Signal(object)
    new_layer_requested = Signal()
    policy_changed = Signal(str)
    undo_requested = Signal()
    redo_requested = Signal()
    export_requested = Signal(str)

    def __init__(
        self,
        *,
        keys: Mapping[str, str] | None = None,
        choose_file: Callable[[QWidget, str, str, str], str | None] = ask_file,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._keys = dict(keys or {})
        self._build_choices()
        self.count = build_heading("")
        self.undo, self.redo = ElidingButton(), ElidingButton()
        self.undo.clicked.connect(self.undo_requested)
        self.redo.clicked.connect(self.redo_requested)
        self.export = ExportButton(choose_file)
        self.export.export_requested.connect(self.export_requested)
        self.message = MessageLine()
        self._lay_out()
        self.set_steps(None, None)
        self.set_formats(())
        self.set_count(0)

    def _build_choices(self) -> None:
        self.layers = ChoiceBox("Objects layer", "Accepted masks are painted here")
        self.layers.setPlaceholderText("none yet")
        self.layers.activated.connect(self._on_layer)
        self.new_layer = build_button(
            "New", "Make an empty labels layer for this image", self.new_layer_requested
        )
        self.policies = ChoiceBox(
            "Overlap", "What to do where a mask lies on another object"
        )
        for text, policy in _POLICIES:
            self.policies.add(text, policy)
        self.policies.activated.connect(self._on_policy)

    def _lay_out(self) -> None:
        column = build_column(self)
        rows = Rows()
        rows.add("Layer", self.layers, beside=self.new_layer)
        rows.add("Overlap", self.policies)
        column.addLayout(rows)
        row = QHBoxLayout()
        row.setSpacing(SPACING)
        row.addWidget(self.count, 1)
        row.addWidget(self.export, 1)
        column.addLayout(row)
        for widget in (self.undo, self.redo, self.message):
            column.addWidget(widget)
        finish_panel(self, column)

    @property
    def layer(self) -> object | None:
        """Key of the layer that is chosen; None if there is none."""
        return self.layers.currentData()

    @property
    def policy(self) -> Policy:
        """What happens to pixels that another object has."""
        return self.policies.currentData()

    def set_layers(
        self, layers: Sequence[tuple[str, object]], chosen: object | None = None
    ) -> None:
        """Offer layers.

        Parameters
        ----------
        layers
            Names, as people see them, and whatever tells them apart.
        chosen
            One of the latter; None while masks go nowhere yet.
        """
        keys = [key for _, key in layers]
        self.layers.clear()
        for name, key in layers:
            self.layers.add(name, key)
        self.layers.setEnabled(bool(keys))
        # Without a choice the box shows its placeholder.
        self.layers.setCurrentIndex(keys.index(chosen) if chosen in keys else -1)

    def set_policy(self, policy: Policy) -> None:
        """Choose what happens to pixels that another object has."""
        self.policies.setCurrentIndex(self.policies.findData(policy))

    def set_steps(self, undo: str | None, redo: str | None) -> None:
        """Name the steps that can be undone and redone; None if there is none."""
        for button, action, step in (
            (self.undo, "Undo", undo),
            (self.redo, "Redo", redo),
        ):
            button.set_full_text(step_label(action, step))
            button.setEnabled(step is not None)
            key = self._keys.get(action.lower())
            button.setToolTip(with_key(step_label(action, step), key))

    def set_count(self, objects: int) -> None:
        """Say how many objects the layer has."""
        self.count.setText(counted(objects, "object"))
        self.export.set_has_objects(objects > 0)

    def set_formats(
        self, formats: Sequence[ExportFormat], name: str = "objects"
    ) -> None:
        """Offer formats to export to.

        Parameters
        ----------
        formats
            In the order of the menu.
        name
            Of the file that is offered, without suffix.
        """
        self.export.set_formats(formats, name)

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _on_layer(self) -> None:
        self.layer_chosen.emit(self.layer)

    def _on_policy(self) -> None:
        self.policy_changed.emit(self.policy)
