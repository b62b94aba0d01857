"""With the keyboard, and for those who cannot see colours or anything at all."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QProgressBar,
    QWidget,
)

pytestmark = pytest.mark.gui

CONTROLS = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox)


def tab_stops(panel: QWidget) -> list[QWidget]:
    """Return the controls that the tab key goes to, in its order."""
    stops, widget = [], panel.nextInFocusChain()
    while widget is not panel:
        is_stop = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if is_stop and widget.isVisibleTo(panel) and widget.isEnabled():
            stops.append(whole(widget, panel))
        widget = widget.nextInFocusChain()
    return stops


def whole(widget: QWidget, panel: QWidget) -> QWidget:
    """Return the control of which a widget is a part, such as a slider's number."""
    found = widget
    while widget is not panel:
        found = widget if isinstance(widget, CONTROLS) else found
        widget = widget.parentWidget()
    return found


def test_the_tab_key_goes_down_the_panel_as_one_reads(panel):
    stops = tab_stops(panel)
    points = [stop.mapTo(panel, stop.rect().center()) for stop in stops]

    # What stands in one line may differ by some pixels in height.
    places = [(round(point.y() / 12), point.x()) for point in points]

    assert stops
    assert places == sorted(places)


def test_every_control_has_a_tooltip(panel):
    without = [
        widget
        for widget in panel.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and not widget.toolTip()
        # Parts of a control inherit its tooltip.
        and not isinstance(widget.parentWidget(), CONTROLS)
        and widget.isVisibleTo(panel)
    ]

    assert without == []


def test_every_control_has_a_name_to_be_read_aloud(panel):
    def is_named(widget: QWidget) -> bool:
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        return bool(text or widget.accessibleName())

    nameless = [
        widget
        for widget in panel.findChildren(QWidget)
        if isinstance(widget, (*CONTROLS, QProgressBar))
        and not is_named(widget)
        and not isinstance(widget.parentWidget(), CONTROLS)
        and widget.isVisibleTo(panel)
    ]

    assert nameless == []
