"""What becomes of a mask that a window or a level contributes."""

from __future__ import annotations

from enum import IntEnum


class Fate(IntEnum):
    """Of one mask, when several windows or levels show the same object."""

    MEMBER = 0
    """Its pixels are in the object."""

    DUPLICATE = 1
    """Another mask shows the same object at least as well."""

    FRAGMENT = 2
    """An edge of its window cuts it, and another mask shows more of the object."""
