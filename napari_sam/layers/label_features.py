"""Features of a Labels layer <-> rows of objects: provenance that stays with a layer.

What was accepted or found once is known again when its layer is chosen later, and
columns of other people stay where they are.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tilesam.annotation.rows import Extent, ObjectRow, ObjectRows
from tilesam.annotation.scanning import blocks_of, is_blank, joined, whole_extent
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    Sizes = dict[int, tuple[int, Extent]]

INDEX = "index"
"""The column that says which label a row is of; napari knows it by this name."""

KIND = "prompt_kind"
TEXTS, SCORES = (KIND, "model_name", "created"), ("predicted_iou", "stability_score")


def read_rows(
    array: Any,
    features: pd.DataFrame,
    remembered: Mapping[int, ObjectRow] | None = None,
) -> Generator[int, None, ObjectRows]:
    """Return the rows of the objects of a layer; looks through all labels.

    Parameters
    ----------
    array
        The labels, of the finest level.
    features
        Of the layer. Labels of which they do not say how they came about are foreign.
    remembered
        Rows from when the layer was chosen last, which also have what was asked. They
        count of objects of which the area is the same still.

    Yields
    ------
    int
        Blocks that were looked at, for work in steps.
    """
    known = _known(features)
    sizes: Sizes = {}
    highest = 0
    blocks = [] if is_blank(array) else blocks_of(whole_extent(tuple(array.shape)))
    for done, block in enumerate(blocks, start=1):
        labels = np.asarray(array[block])
        foreign = labels
        if known:
            is_known = np.isin(labels, list(known))
            _add_sizes(sizes, np.where(is_known, labels, 0), block)
            foreign = labels[~is_known]
        highest = max(highest, int(foreign.max(initial=0)))
        yield done
    rows = {label: _row(label, *size, known[label]) for label, size in sizes.items()}
    for label, row in (remembered or {}).items():
        if label in rows and rows[label].area == row.area:
            rows[label] = row
    return ObjectRows(rows.values(), foreign_highest=highest)


def joined_features(rows: ObjectRows, others: pd.DataFrame) -> pd.DataFrame:
    """Return the features of a layer: rows of objects, and what others say of labels.

    Parameters
    ----------
    rows
        Of the objects.
    others
        Features that the layer had; of columns that rows have, those of the rows count.
    """
    own = pd.DataFrame(rows.columns()).set_index("label")
    more = others.drop(columns=[name for name in own if name in others])
    if more.shape[1] <= (INDEX in more):
        # Nothing but labels that have no row any more.
        return own.rename_axis(INDEX).reset_index()
    if INDEX in more:
        more = more.drop_duplicates(INDEX).set_index(INDEX)
    both = own.join(more, how="outer")
    return both.rename_axis(INDEX).reset_index()


def _known(features: pd.DataFrame) -> dict[int, Mapping[str, Any]]:
    """Return what features say of labels that came about by prompts."""
    if INDEX not in features or KIND not in features:
        return {}
    records = features[features[KIND].notna() & (features[KIND] != "")]
    return {int(row[INDEX]): row for row in records.to_dict("records")}


def _add_sizes(sizes: Sizes, labels: Any, block: tuple[slice, ...]) -> None:
    if not labels.any():
        return
    planes = tuple((part.start, part.stop) for part in block[:-2])
    origin_yx = block[-2].start, block[-1].start
    masks, names = RunMasks.from_labels(labels.reshape(labels.shape[-2:]), origin_yx)
    found = zip(names, masks.areas, masks.extents_yxyx, strict=True)
    for label, area, (y0, x0, y1, x1) in found:
        extent = (*planes, (int(y0), int(y1)), (int(x0), int(x1)))
        before, around = sizes.get(int(label), (0, extent))
        sizes[int(label)] = before + int(area), joined(around, extent)


def _row(label: int, area: int, extent: Extent, said: Mapping[str, Any]) -> ObjectRow:
    texts = {name: _text(said.get(name)) for name in TEXTS}
    scores = {name: _score(said.get(name)) for name in SCORES}
    return ObjectRow(label=label, area=area, extent=extent, **texts, **scores)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _score(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
