"""Objects that a person makes: edits that can be undone, and sessions on the disk.

`ObjectLabels` plans edits of a label array, `EditHistory` makes them and takes them
back, and `SessionFile` keeps them so that a crash loses the last action at most.
"""

from __future__ import annotations

from tilesam.annotation.autosave import Autosave
from tilesam.annotation.document import (
    ImageRecord,
    LabelsRecord,
    ModelRecord,
    SessionDocument,
    read_document,
)
from tilesam.annotation.edits import Edit, PixelChange
from tilesam.annotation.exporting import objects_segmentation, write_objects
from tilesam.annotation.history import EditHistory, HistoryChange
from tilesam.annotation.label_arrays import (
    fits_memory,
    location_of_array,
    new_label_array,
    open_label_array,
)
from tilesam.annotation.label_levels import open_label_levels
from tilesam.annotation.level_target import LevelsTarget, open_label_target
from tilesam.annotation.many_objects import accept_all
from tilesam.annotation.objects import ObjectLabels
from tilesam.annotation.overlaps import OverlapQuestion, Policy
from tilesam.annotation.replaying import Replayed, replay
from tilesam.annotation.rows import ObjectRow, ObjectRows
from tilesam.annotation.scanning import (
    LabelScan,
    find_extent,
    highest_label,
    scan_labels,
)
from tilesam.annotation.session_file import LoadedSession, SessionFile, load_session
from tilesam.annotation.stored_objects import (
    StoredObject,
    collect_objects,
    objects_without_masks,
)
from tilesam.annotation.targets import ArrayTarget, LabelTarget

__all__ = [
    "ArrayTarget",
    "Autosave",
    "Edit",
    "EditHistory",
    "HistoryChange",
    "ImageRecord",
    "LabelScan",
    "LabelTarget",
    "LabelsRecord",
    "LevelsTarget",
    "LoadedSession",
    "ModelRecord",
    "ObjectLabels",
    "ObjectRow",
    "ObjectRows",
    "OverlapQuestion",
    "PixelChange",
    "Policy",
    "Replayed",
    "SessionDocument",
    "SessionFile",
    "StoredObject",
    "accept_all",
    "collect_objects",
    "find_extent",
    "fits_memory",
    "highest_label",
    "load_session",
    "location_of_array",
    "new_label_array",
    "objects_segmentation",
    "objects_without_masks",
    "open_label_array",
    "open_label_levels",
    "open_label_target",
    "read_document",
    "replay",
    "scan_labels",
    "write_objects",
]
