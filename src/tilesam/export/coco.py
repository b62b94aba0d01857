"""Objects as the SA-1B dataset has them: COCO's run lengths and SAM's scores.

The same file is a COCO dataset of one image and one category, as pycocotools reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.everything.table import Status
from tilesam.export.batches import in_batches
from tilesam.export.column_runs import column_runs_of
from tilesam.export.columns import plain_rows
from tilesam.export.json_stream import json_text, write_json_list
from tilesam.masks.rle import compress_counts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tilesam.everything.segmentation import Segmentation

WRITTEN = (Status.KEPT, Status.COVERED)
"""Objects, whether they own pixels or not."""

COLUMNS = (
    *("label", "x0", "y0", "x1", "y1", "area", "predicted_iou", "stability_score"),
    *("point_x", "point_y"),
)
IMAGE_ID = CATEGORY_ID = 1
CATEGORY = "object"
"""Nobody has said what the objects are."""


def write_coco(path: Path, segmentation: Segmentation) -> None:
    """Write objects as one JSON document in the format of SA-1B.

    Parameters
    ----------
    path
        The file to make.
    segmentation
        Its kept and its covered objects are written part by part, whole, so that they
        may overlap.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    height, width = segmentation.image_hw
    image = {
        "image_id": IMAGE_ID,
        "width": width,
        "height": height,
        "file_name": segmentation.image_name,
    }
    members = {
        "image": image,
        "images": [{"id": IMAGE_ID, **image}],
        "categories": [{"id": CATEGORY_ID, "name": CATEGORY}],
    }
    write_json_list(path, members, "annotations", _annotations(segmentation))


def _annotations(segmentation: Segmentation) -> Iterator[str]:
    image_hw = segmentation.image_hw
    columns = segmentation.table.columns()
    names = (*COLUMNS, *segmentation.table.more)
    chosen = np.flatnonzero(np.isin(columns["status"], WRITTEN))
    for rows, masks in in_batches(segmentation.masks, chosen):
        counts, offsets = column_runs_of(masks, image_hw)
        table = plain_rows({name: columns[name][rows] for name in names})
        for index, record in enumerate(table):
            text = compress_counts(counts[offsets[index] : offsets[index + 1]])
            annotation = _annotation(record, text, image_hw)
            more = {name: record[name] for name in segmentation.table.more}
            yield json_text({**more, **annotation})


def _annotation(
    record: dict[str, Any], counts: str, image_hw: tuple[int, int]
) -> dict[str, Any]:
    x0, y0, x1, y1 = (record[name] for name in ("x0", "y0", "x1", "y1"))
    height, width = image_hw
    point = [record["point_x"], record["point_y"]]
    return {
        "id": record["label"],
        "image_id": IMAGE_ID,
        "category_id": CATEGORY_ID,
        "iscrowd": 0,
        "segmentation": {"size": [height, width], "counts": counts},
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": record["area"],
        "predicted_iou": record["predicted_iou"],
        "stability_score": record["stability_score"],
        # Objects are put together from several windows; what all of them show.
        "crop_box": [0, 0, width, height],
        # A box or a brush made it.
        "point_coords": [] if None in point else [point],
    }
