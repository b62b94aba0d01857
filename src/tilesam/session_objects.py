"""The objects of a session: labels, what is known of them, steps back, and a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilesam.annotation import (
    ArrayTarget,
    Autosave,
    EditHistory,
    LabelsRecord,
    ObjectLabels,
    ObjectRows,
    SessionFile,
    collect_objects,
    find_extent,
    fits_memory,
    location_of_array,
    new_label_array,
    objects_without_masks,
)
from tilesam.annotation.scanning import scan_labels
from tilesam.errors import AnnotationError, SessionFileError
from tilesam.image.locations import location_of

if TYPE_CHECKING:
    from tilesam.annotation import Edit, Policy, StoredObject
    from tilesam.annotation.autosave import Describe
    from tilesam.types import MaskCandidate, Prompts


class SessionObjects:
    """Objects that are accepted, deleted, taken back and saved.

    Parameters
    ----------
    history
        With the labels and what is known of them.
    plane
        Of the labels, along the axes before rows and columns.
    """

    def __init__(self, history: EditHistory, *, plane: tuple[int, ...] = ()) -> None:
        self.history = history
        self._plans = ObjectLabels(history.target, history.rows, plane=plane)
        self._autosave: Autosave | None = None

    @classmethod
    def over(cls, array: Any, *, plane: tuple[int, ...] = ()) -> SessionObjects:
        """Return objects in an array, which is looked through for foreign ones."""
        target = ArrayTarget(array)
        foreign = max((scan.highest for scan in scan_labels(array)), default=0)
        rows = ObjectRows(foreign_highest=foreign)
        return cls(EditHistory(target, rows), plane=plane)

    @property
    def labels(self) -> Any:
        """The array, NumPy or zarr."""
        target = self.history.target
        return getattr(target, "array", target)

    @property
    def rows(self) -> ObjectRows:
        """What is known of the objects."""
        return self.history.rows

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns."""
        return self._plans.plane

    def accept(
        self,
        candidate: MaskCandidate,
        prompts: Prompts | None,
        *,
        label: int | None,
        policy: Policy | None,
        model_name: str,
    ) -> int:
        """Paint a mask and return its label, see `ObjectLabels.accept`."""
        chosen = self.rows.next_label if label is None else label
        edit = self._plans.accept(
            candidate, prompts, label=chosen, policy=policy, model_name=model_name
        )
        self.history.do(edit)
        return int(chosen)

    def delete(self, label: int) -> None:
        """Remove an object, also a foreign one, which is looked for everywhere."""
        extent = None
        if label not in self.rows:
            extent = find_extent(self.labels, label) if label > 0 else None
            if extent is None:
                raise AnnotationError(
                    f"there is no object {label}; expected one of the labels in use; "
                    "look at session.labels and session.objects"
                )
        self.history.do(self._plans.delete(label, extent=extent))

    def undo(self) -> Edit | None:
        """Take the latest step back."""
        return self.history.undo()

    def redo(self) -> Edit | None:
        """Make it again."""
        return self.history.redo()

    def save(
        self,
        path: str | PathLike[str] | None,
        describe: Describe,
        *,
        replacing: bool = False,
    ) -> Path:
        """Save everything, and every step from now on; return where.

        Raises
        ------
        SessionFileError
            If there is no path yet, or see `SessionFile.create`.
        """
        earlier = self._autosave
        if path is None:
            if earlier is None:
                raise SessionFileError(
                    "the session has no file yet; expected a path; give one, for "
                    "example session.save('work.sam.json')"
                )
            path = earlier.path
        file = Path(path).absolute()
        if earlier is not None and file == earlier.path:
            earlier.save()
            return file
        return self._save_anew(file, describe, replacing=replacing)

    def go_on(self, file: SessionFile, describe: Describe) -> None:
        """Keep every step in a file from now on, that was opened and replayed."""
        self._autosave = Autosave.resume(file, self.history, describe)

    def close(self) -> None:
        """Save no more, and let others open the file."""
        if self._autosave is not None:
            autosave, self._autosave = self._autosave, None
            autosave.close()

    def record(self) -> LabelsRecord:
        """Return what a session's file says of the labels."""
        target = self.history.target
        return LabelsRecord(
            tuple(target.shape),
            str(target.dtype),
            location_of_array(self.labels),
            self.rows.foreign_highest,
        )

    def stored(self) -> tuple[StoredObject, ...]:
        """Return what a session's file says of the objects."""
        if location_of_array(self.labels) is not None:
            return objects_without_masks(self.rows)
        return collect_objects(self.history.target, self.rows)

    def _save_anew(self, path: Path, describe: Describe, *, replacing: bool) -> Path:
        # The new file first: if it cannot be made, the earlier one goes on.
        file = SessionFile.create(path, describe(), replacing=replacing)
        try:
            self.close()
        finally:
            self.go_on(file, describe)
        return file.path


def open_objects(
    labels: Any, image_hw: tuple[int, int], plane: tuple[int, ...]
) -> SessionObjects | None:
    """Return the objects of an image, to begin with.

    Parameters
    ----------
    labels
        An array; the path of a zarr array, made if it is missing; or None for an empty
        one in memory.
    image_hw
        Height and width of the image.
    plane
        Of the image, along the axes before rows and columns. Labels have these axes,
        or are of the one plane.

    Returns
    -------
    SessionObjects or None
        None if no labels were given and they would take too much memory.

    Raises
    ------
    AnnotationError
        If the labels do not fit the image, or cannot be opened or written to.
    SessionFileError
        If they cannot be made.
    """
    if labels is None:
        if not fits_memory(image_hw):
            return None
        history = EditHistory(ArrayTarget(new_label_array(image_hw)), ObjectRows())
        return SessionObjects(history)
    array = labels
    if isinstance(labels, str | PathLike):
        array = _labels_at(labels, image_hw)
    shape = ArrayTarget(array).shape
    if shape[-2:] != tuple(image_hw):
        raise AnnotationError(
            f"the labels have shape {shape}; expected {image_hw[0]} x {image_hw[1]} "
            "pixels, as the image has; give labels of this image"
        )
    return SessionObjects.over(array, plane=plane_of_labels(shape, plane))


def plane_of_labels(
    shape: tuple[int, ...], image_plane: tuple[int, ...]
) -> tuple[int, ...]:
    """Return which plane of labels is that of an image; labels may be of it alone."""
    return image_plane if len(shape) > 2 else ()


def _labels_at(path: str | PathLike[str], image_hw: tuple[int, int]) -> Any:
    location = location_of(path)
    if isinstance(location, Path) and not location.exists():
        return new_label_array(image_hw, path=location)
    import zarr

    try:
        return zarr.open_array(str(location), mode="r+")
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise AnnotationError(
            f"the labels {location} cannot be opened: {reason}; expected the folder of "
            "a zarr array that may be written to, or a new name; choose another one"
        ) from error
