"""A session from the disk: what was saved, and then all that happened since."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilesam.annotation.history import DEPTH, MAX_BYTES, EditHistory
from tilesam.annotation.packing import PackedEdit, to_line
from tilesam.annotation.provenance import prompts_from_plain
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.stored_objects import paint_objects
from tilesam.errors import AnnotationError, SessionFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tilesam.annotation.session_file import LoadedSession
    from tilesam.annotation.targets import LabelTarget
    from tilesam.types import Prompts


@dataclass(frozen=True, eq=False)
class Replayed:
    """A session as it was when the last action had been recorded.

    Parameters
    ----------
    history
        With the labels and the rows; steps since the session was saved can be undone.
        It records nothing yet: set `history.record` to go on.
    prompts
        What was being asked.
    settings
        As recorded.
    """

    history: EditHistory
    prompts: Prompts | None
    settings: Mapping[str, Any]

    @property
    def rows(self) -> ObjectRows:
        """What is known of the objects."""
        return self.history.rows


@dataclass(frozen=True)
class Summary:
    """What a session holds, found without any labels.

    Parameters
    ----------
    labels
        Of all objects.
    is_asking
        Whether prompts were being asked when the last action had been recorded.
    """

    labels: frozenset[int]
    is_asking: bool


def summarize(loaded: LoadedSession) -> Summary:
    """Return what a session holds, without making its labels.

    Raises
    ------
    SessionFileError
        If it is damaged.
    """
    labels = {stored.label for stored in loaded.document.objects}
    is_asking = loaded.document.prompts is not None
    for number, action in enumerate(loaded.actions, start=1):
        with _explained(f"action {number} of the journal"):
            if action["kind"] == "prompts":
                is_asking = action["prompts"] is not None
            for label, *rows in action.get("edit", {}).get("rows", ()):
                is_there = rows[action["kind"] != "undo"] is not None
                (labels.add if is_there else labels.discard)(int(label))
    return Summary(frozenset(labels), is_asking)


def replay(
    loaded: LoadedSession,
    target: LabelTarget,
    *,
    depth: int = DEPTH,
    max_bytes: int = MAX_BYTES,
) -> Replayed:
    """Bring labels to where a session was, and return all that goes with them.

    Parameters
    ----------
    loaded
        From the disk.
    target
        Labels without objects; or those of the zarr array that the session names,
        whether or not they have the latest actions already.
    depth, max_bytes
        See `EditHistory`.

    Raises
    ------
    SessionFileError
        If the labels have another shape, or an action cannot be made.
    """
    document = loaded.document
    if tuple(target.shape) != document.labels.shape:
        raise SessionFileError(
            f"the labels have shape {tuple(target.shape)}, and the session was saved "
            f"with {document.labels.shape}; open the image that it is of"
        )
    rows = ObjectRows(
        (stored.row for stored in document.objects if stored.row is not None),
        foreign_highest=document.labels.foreign_highest,
    )
    history = EditHistory(target, rows, depth=depth, max_bytes=max_bytes)
    state: dict[str, Any] = {}
    state["prompts"], state["settings"] = document.prompts, document.settings
    with _explained("the saved objects"):
        paint_objects(document.objects, target)
    for number, action in enumerate(loaded.actions, start=1):
        with _explained(f"action {number} of the journal"):
            _repeat(action, history, state)
    return Replayed(history, state["prompts"], state["settings"])


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SessionFileError(
            f"{what} cannot be made again: {type(error).__name__} {error}; restore the "
            "session from a copy, or move its journal away"
        ) from error


def _repeat(
    action: Mapping[str, Any], history: EditHistory, state: dict[str, Any]
) -> None:
    kind = action["kind"]
    if kind in ("do", "note", "undo", "redo"):
        edit = action["edit"]
        history.repeat(kind, PackedEdit(to_line(edit), str(edit["name"])))
    elif kind == "prompts":
        plain = action["prompts"]
        state["prompts"] = None if plain is None else prompts_from_plain(plain)
    elif kind == "settings":
        state["settings"] = dict(action["settings"])
    else:
        raise AnnotationError(f"{kind!r} is no action of this version")
