"""Folders of label images before and after correction."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError
from tilesam.evaluation.experiments.quality import (
    SHARES,
    compare_corrected,
    share_above,
)
from tilesam.evaluation.folders import label_files
from tilesam.evaluation.labels import read_labels, require_same_size
from tilesam.evaluation.metrics import ObjectScore
from tilesam.evaluation.reporting.document import Document
from tilesam.evaluation.reporting.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tilesam.evaluation.experiments.quality import Corrections

QUALITY = "quality"


def measure_corrections(automatic: Path, corrected: Path) -> dict[str, Corrections]:
    """Return what became of the masks of each image.

    Parameters
    ----------
    automatic, corrected
        Two label images, or two folders with files of equal names.

    Raises
    ------
    DatasetError
        If a file is missing or cannot be used, or two are not of one size.
    """
    found = {}
    for name, (first, second) in _pairs(automatic, corrected).items():
        before, after = read_labels(first), read_labels(second)
        require_same_size(first, before.shape, second, after.shape)
        found[name] = compare_corrected(before, after)
    if not any(len(one.iou) for one in found.values()):
        raise DatasetError(
            f"no mask of '{automatic}' is there in '{corrected}' in any form; expected "
            "labels before and after correction; check that they are not empty and "
            "belong together"
        )
    return found


def _pairs(automatic: Path, corrected: Path) -> dict[str, tuple[Path, Path]]:
    if not automatic.is_dir():
        return {corrected.stem: (automatic, corrected)}
    first, second = label_files(automatic), label_files(corrected)
    for name, path in second.items():
        if name not in first:
            raise DatasetError(
                f"'{path}' has no automatic labels in '{automatic}'; expected a file "
                "of the same name there; add it, or move the corrected one away"
            )
    return {name: (first[name], path) for name, path in second.items()}


def quality_document(
    corrections: Mapping[str, Corrections], automatic: Path, corrected: Path
) -> Document:
    """Return the figures of all images with those of single masks."""
    rows = [
        ObjectScore("all", name, 0, int(number), 0, {QUALITY: round(float(iou), 6)})
        for name, one in corrections.items()
        for number, iou in zip(one.object_ids, one.iou, strict=True)
    ]
    provenance = {
        "protocol": QUALITY,
        "automatic": str(automatic),
        "corrected": str(corrected),
    }
    plain = [{**asdict(row), "scores": dict(row.scores)} for row in rows]
    return Document(
        provenance,
        [quality_table([*corrections.values()])],
        objects=plain,
        ranked_by=QUALITY,
    )


def quality_table(corrections: Sequence[Corrections]) -> Table:
    """Return which share of masks hardly needed correction, and what was added."""
    iou = np.concatenate([one.iou for one in corrections])
    shares = [share_above(iou, threshold) for threshold in SHARES]
    removed = sum(one.removed for one in corrections)
    added = sum(one.added for one in corrections)
    cells: list[Any] = [len(iou), float(iou.mean()), *shares, removed, added]
    header = ["masks", "mean IoU", *(f"above {t:.2f}" for t in SHARES)]
    return Table("Mask quality", [*header, "removed", "added"], [cells])
