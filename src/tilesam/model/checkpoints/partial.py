"""What of a download is here already, and which content it belongs to.

Beside `name.part` lies `name.part.version`, which says what was being read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Version:
    """Which content the bytes of a partial file belong to.

    Parameters
    ----------
    url
        Where it was read.
    validator
        The server's name for this very content, for an `If-Range`; None if it had none.
    total
        Bytes of the whole, None if it did not say.
    """

    url: str
    validator: str | None
    total: int | None


def bytes_here(part: Path) -> int:
    """Return the size of a partial file, 0 if there is none."""
    return part.stat().st_size if part.exists() else 0


def write_version(part: Path, version: Version) -> None:
    """Remember what the bytes of a partial file belong to."""
    _version_path(part).write_text(json.dumps(asdict(version)), encoding="utf-8")


def read_version(part: Path) -> Version | None:
    """Return what was remembered; None if there is nothing to make sense of."""
    try:
        return Version(**json.loads(_version_path(part).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def discard(part: Path) -> None:
    """Remove a partial file and what is known of it."""
    part.unlink(missing_ok=True)
    _version_path(part).unlink(missing_ok=True)


def _version_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")
