"""Reading a session back, on the engine's thread: labels, history, prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilesam.annotation.level_target import LevelsTarget, open_label_target
from tilesam.annotation.replaying import Replayed, replay
from tilesam.annotation.session_file import LoadedSession, SessionFile
from tilesam.types import ImageIdentity


@dataclass(frozen=True, eq=False)
class RestoredSession:
    """A session that is open for changes, and where it was left.

    Parameters
    ----------
    file
        Open; whoever has this closes it.
    labels
        An array, or a list of the levels of large labels.
    replayed
        Its history writes to these labels.
    """

    file: SessionFile
    labels: Any
    replayed: Replayed

    @property
    def has_objects(self) -> bool:
        """Whether there is anything to show as labels."""
        rows, record = self.replayed.rows, self.file.loaded.document.labels
        is_elsewhere = record.path is not None
        return bool(len(rows) or rows.foreign_highest or is_elsewhere)


def restore_session(path: Path, identity: ImageIdentity) -> RestoredSession:
    """Open a session of an image and make its labels.

    Parameters
    ----------
    path
        Of the file.
    identity
        Of the image that is shown.

    Raises
    ------
    SessionFileError
        If it cannot be read, is open already, or is of another image.
    """
    file = SessionFile.open(path)
    try:
        file.loaded.document.require_image(identity)
        return RestoredSession(file, *build_labels(file.loaded))
    except BaseException:
        file.close()
        raise


def build_labels(loaded: LoadedSession) -> tuple[Any, Replayed]:
    """Return the labels of a session, array or levels, and what goes with them.

    Raises
    ------
    SessionFileError, AnnotationError
        See `tilesam.annotation.level_target.open_label_target` and
        `tilesam.annotation.replaying.replay`.
    """
    target = open_label_target(loaded.document.labels)
    labels = target.levels if isinstance(target, LevelsTarget) else target.array
    return labels, replay(loaded, target)
