"""Objects of a label array: how to accept, delete and rename them.

Edits are only planned here, for `EditHistory.do` to make. The array is read within the
bounding box of the object concerned, and never as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.annotation.edits import Edit, PixelChange
from tilesam.annotation.overlaps import Policy, pixels_to_paint, require_policy
from tilesam.annotation.provenance import kind_of, prompts_of
from tilesam.annotation.row_changes import count_changes, rows_after
from tilesam.annotation.rows import BY_HAND, Extent, ObjectRow, ObjectRows
from tilesam.annotation.scanning import blocks_of, joined
from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.annotation.targets import LabelTarget
    from tilesam.types import MaskCandidate, Prompts

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class ObjectLabels:
    """Plans edits of the objects of one plane of a label array.

    Parameters
    ----------
    target
        The labels.
    rows
        What is known of them. Labels without a row are foreign: they are respected,
        and change only where a policy, or a person, says so.
    plane
        Position along the axes before rows and columns.
    policy
        What becomes of pixels that other objects have.

    Raises
    ------
    AnnotationError
        If the array has no such plane, or there is no such policy.
    """

    def __init__(
        self,
        target: LabelTarget,
        rows: ObjectRows,
        *,
        plane: tuple[int, ...] = (),
        policy: Policy = "keep",
    ) -> None:
        self.target = target
        self.rows = rows
        self.plane = plane
        self.policy = policy

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns."""
        return self._plane

    @plane.setter
    def plane(self, plane: Sequence[int]) -> None:
        axes = self.target.shape[:-2]
        chosen = tuple(int(at) for at in plane)
        is_inside = len(chosen) == len(axes) and all(
            0 <= at < length for at, length in zip(chosen, axes, strict=True)
        )
        if not is_inside:
            raise AnnotationError(
                f"the plane is {chosen} and the labels have shape {self.target.shape}; "
                f"expected {len(axes)} position(s) within {axes}"
            )
        self._plane = chosen

    @property
    def policy(self) -> Policy:
        """What becomes of pixels that other objects have."""
        return self._policy

    @policy.setter
    def policy(self, policy: str) -> None:
        self._policy = require_policy(policy)

    def accept(
        self,
        candidate: MaskCandidate,
        prompts: Prompts | None = None,
        *,
        label: int | None = None,
        policy: Policy | None = None,
        prompt_kind: str | None = None,
        model_name: str = "",
        clock: Clock = utc_now,
    ) -> Edit:
        """Plan to paint a mask.

        Parameters
        ----------
        candidate
            In pixels of the plane.
        prompts
            What was asked.
        label
            Of an object to add the mask to, whose scores and prompts become those of
            the mask, or of a new one. By default a new one with the next label.
        policy
            For this mask; by default the policy of all.
        prompt_kind
            By default it follows from the prompts.
        model_name
            Of the model that answered.
        clock
            Returns the time, with its zone.

        Raises
        ------
        OverlapQuestion
            If the mask lies on other objects and the policy is to ask.
        AnnotationError
            If there is nothing to paint, the mask lies outside of the labels, or the
            label is 0 or has no room in them.
        """
        chosen = self._checked(self.rows.next_label if label is None else label)
        extent = self._extent_of(candidate)
        existing = self._read(extent)
        how = self.policy if policy is None else require_policy(policy)
        paint = pixels_to_paint(candidate.mask, existing, chosen, how)
        change = self._change(paint, existing, extent, chosen)
        rows = rows_after(self.rows, count_changes([change], but=chosen))
        earlier = self.rows.get(chosen)
        if earlier is not None or chosen > self.rows.highest:
            row = ObjectRow(
                label=chosen,
                prompt_kind=kind_of(prompts) if prompt_kind is None else prompt_kind,
                area=len(change) + (0 if earlier is None else earlier.area),
                extent=joined(
                    _around(change), *([] if earlier is None else [earlier.extent])
                ),
                predicted_iou=_finite(candidate.predicted_iou),
                stability_score=_finite(candidate.stability_score),
                model_name=model_name,
                created=clock().isoformat(timespec="seconds"),
                **prompts_of(prompts),
            )
            rows[chosen] = (earlier, row)
        return Edit((change,), rows, f"accept object {chosen}")

    def drawn(
        self,
        changes: Sequence[PixelChange],
        *,
        name: str = "paint",
        clock: Clock = utc_now,
    ) -> Edit:
        """Return what was drawn by hand as an edit, for `EditHistory.note`.

        Areas of the objects that it met are brought up to date, an object of which
        nothing is left loses its row, and a label that was never there gets one.

        Parameters
        ----------
        changes
            What has been painted, in its order.
        name
            For menus.
        clock
            Returns the time, with its zone.
        """
        counts = count_changes(changes)
        rows = rows_after(self.rows, counts)
        for label, (count, extent) in counts.items():
            if label > self.rows.highest and count > 0 and extent is not None:
                time = clock().isoformat(timespec="seconds")
                row = ObjectRow(label, BY_HAND, count, extent, created=time)
                rows[label] = (None, row)
        return Edit(tuple(changes), rows, name)

    def delete(self, label: int, *, extent: Extent | None = None) -> Edit:
        """Plan to remove an object, in all planes.

        Parameters
        ----------
        label
            Of the object.
        extent
            A box that holds it. Objects with a row need none; of others it is found by
            `tilesam.annotation.scanning.find_extent`.

        Raises
        ------
        AnnotationError
            If there is no such object, or it is not known where it is.
        """
        changes = self._recolour(label, 0, extent)
        row = self.rows.get(label)
        rows = {} if row is None else {label: (row, None)}
        return Edit(changes, rows, f"delete object {label}")

    def relabel(
        self, label: int, new_label: int | None = None, *, extent: Extent | None = None
    ) -> Edit:
        """Plan to give an object another label.

        Parameters
        ----------
        label, extent
            See `delete`.
        new_label
            By default the next one.

        Raises
        ------
        AnnotationError
            As `delete`, or if the new label is in use, is 0 or has no room.
        """
        new = self._checked(self.rows.next_label if new_label is None else new_label)
        if new in self.rows or new <= self.rows.foreign_highest:
            raise AnnotationError(
                f"label {new} is in use, or was; expected a free one; take "
                f"{self.rows.next_label}"
            )
        changes = self._recolour(label, new, extent)
        row = self.rows.get(label)
        rows: dict[int, Any] = {}
        if row is not None:
            rows = {label: (row, None), new: (None, replace(row, label=new))}
        return Edit(changes, rows, f"rename object {label} to {new}")

    def _checked(self, label: int) -> int:
        most = int(np.iinfo(self.target.dtype).max)
        if not 1 <= label <= most:
            raise AnnotationError(
                f"the label is {label}, and {self.target.dtype} has room for 1 to "
                f"{most}; expected one of these; convert the labels to uint32 for more"
            )
        return int(label)

    def _extent_of(self, candidate: MaskCandidate) -> Extent:
        sides = zip(candidate.offset_yx, candidate.mask.shape, strict=True)
        inner = tuple((int(start), int(start) + side) for start, side in sides)
        limits = self.target.shape[-2:]
        if any(
            start < 0 or stop > most
            for (start, stop), most in zip(inner, limits, strict=True)
        ):
            raise AnnotationError(
                f"the mask covers {inner} and the labels have {limits[0]} x "
                f"{limits[1]} pixels; expected a mask within them; choose labels of "
                "the image's size"
            )
        return (*((at, at + 1) for at in self.plane), *inner)

    def _read(self, extent: Extent) -> NDArray[Any]:
        slices = tuple(slice(*axis) for axis in extent)
        labels = self.target.read(slices)
        return labels.reshape(labels.shape[-2:])

    def _change(
        self,
        paint: NDArray[np.bool_],
        existing: NDArray[Any],
        extent: Extent,
        label: int,
    ) -> PixelChange:
        columns, rows = np.nonzero(paint.T)
        planes = (np.full(len(rows), at) for at in self.plane)
        (y, _), (x, _) = extent[-2:]
        indices = (*planes, rows + y, columns + x)
        return PixelChange(indices, existing[rows, columns], np.asarray(label))

    def _recolour(
        self, label: int, new: int, extent: Extent | None
    ) -> tuple[PixelChange, ...]:
        """Return the change of all pixels of a label, in every plane it is in."""
        row = self.rows.get(label)
        box = extent if row is None else row.extent
        if box is None:
            raise AnnotationError(
                f"there is no object {label} with a row; expected one of its own, or "
                "the extent of another, as find_extent returns it"
            )
        found: list[tuple[NDArray[np.int64], ...]] = []
        for block in blocks_of(box):
            places = np.nonzero(self.target.read(block) == label)
            starts = [part.start for part in block]
            found.append(tuple(p + s for p, s in zip(places, starts, strict=True)))
        indices = tuple(np.concatenate(axis) for axis in zip(*found, strict=True))
        if not len(indices[0]) and row is None:
            raise AnnotationError(
                f"there is no object {label} in {box}; look elsewhere"
            )
        before = np.full(len(indices[0]), label, self.target.dtype)
        return (PixelChange(indices, before, np.asarray(new)),)


def _around(change: PixelChange) -> Extent:
    return tuple((int(i.min()), int(i.max()) + 1) for i in change.indices)


def _finite(score: float) -> float | None:
    """Return a score; a network in half precision may predict none."""
    return float(score) if math.isfinite(score) else None
