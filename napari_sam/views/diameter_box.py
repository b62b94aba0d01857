"""How wide a typical object is, in pixels of the image."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QWidget

from napari_sam.views.building import silenced

_MOST = 100_000.0
_TOOLTIP = "Diameter of a typical object, where they are very small or large"


class DiameterBox(QDoubleSpinBox):
    """A number of pixels, or that the size is not known.

    Parameters
    ----------
    tooltip
        What it changes.
    """

    changed = Signal(object)

    def __init__(self, tooltip: str = _TOOLTIP, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0.0, _MOST)
        self.setDecimals(0)
        self.setSuffix(" px")
        self.setSpecialValueText("automatic")
        self.setAccessibleName("Typical object")
        self.setToolTip(tooltip)
        # A number that is being typed is not meant yet.
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self._on_value)

    @property
    def diameter(self) -> float | None:
        """In pixels; None if it is not known."""
        value = self.value()
        return value if value > 0 else None

    def set_diameter(self, diameter: float | None) -> None:
        """Show a diameter; None if it is not known."""
        with silenced(self):
            self.setValue(diameter or 0.0)

    def _on_value(self) -> None:
        self.changed.emit(self.diameter)
