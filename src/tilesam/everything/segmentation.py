"""All objects of an image: masks, a table, and labels that are painted on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tilesam.everything.table import Status
from tilesam.masks.painting import paint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.everything.filters import Funnel
    from tilesam.everything.settings import EverythingSettings
    from tilesam.everything.table import ObjectTable
    from tilesam.image.georeference import GeoReference
    from tilesam.masks.run_masks import Extent, RunMasks
    from tilesam.types import IntArray


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What was found, and how it was chosen.

    Parameters
    ----------
    image_hw
        Height and width of the image in pixels.
    table
        A row for each mask.
    masks
        The mask of each row, whole, in pixels of the image; they may overlap and nest.
    paint_order
        (n,) int64, rows of the kept objects, those that own their pixels last.
    settings
        With the thresholds that were used; None of what a person accepted or drew.
    funnel
        How many masks each step left; None of the same.
    image_name, model_name
        For records.
    georeference
        Where on earth the image is, if its file says so.
    """

    image_hw: tuple[int, int]
    table: ObjectTable
    masks: RunMasks
    paint_order: IntArray
    settings: EverythingSettings | None = None
    funnel: Funnel | None = None
    image_name: str = ""
    model_name: str = ""
    georeference: GeoReference | None = field(default=None)

    def __len__(self) -> int:
        return self.table.kept_count

    @property
    def kept(self) -> IntArray:
        """(n,) rows of the objects that own pixels, in the order of their labels."""
        return np.flatnonzero(self.table.status == Status.KEPT)

    def labels(
        self, extent: Extent | None = None, *, step: int = 1
    ) -> NDArray[np.uint32]:
        """Return the label image, or a part of it.

        Parameters
        ----------
        extent
            (y0, x0, y1, x1) within the image; by default all of it, for images that fit
            into memory.
        step
            Of how many rows, and columns, to return one.

        Returns
        -------
        NDArray
            (y1 - y0, x1 - x0) uint32, 0 where there is no object.
        """
        chosen = extent or (0, 0, *self.image_hw)
        rows = self._rows_in(chosen)
        return paint(self.masks.take(rows), self.table.label[rows], chosen, step=step)

    def _rows_in(self, extent: Extent) -> IntArray:
        """Return the kept rows that reach into a part of the image, as painted."""
        y0, x0, y1, x1 = extent
        boxes = self.table.extents_yxyx[self.paint_order]
        is_low = (boxes[:, 0] < y1) & (boxes[:, 1] < x1)
        return self.paint_order[is_low & (boxes[:, 2] > y0) & (boxes[:, 3] > x0)]

    @property
    def hint(self) -> str | None:
        """What to do where nothing was found; None if something was."""
        if len(self) or self.funnel is None or self.settings is None:
            return None
        return self.funnel.hint(self.settings)
