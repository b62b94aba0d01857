"""Dumb widgets: setters in, signals out.

A view knows neither engine nor viewer. A setter never makes a signal speak; signals
tell only what a person did. What it takes and gives are the records of
`napari_sam.views.records`; what it says comes from `numbers` and `sentences`, which
need no Qt.
"""

from __future__ import annotations
