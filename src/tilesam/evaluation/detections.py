"""Boxes of a detector, from a file in the format of COCO."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.types import FloatArray


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes with scores, by image.

    Parameters
    ----------
    name, sha256
        Of the file.
    boxes
        By the name of the image: (N, 5) of x, y, width, height and score.
    """

    name: str
    sha256: str
    boxes: Mapping[str, FloatArray]

    def of(self, image: str) -> tuple[FloatArray, FloatArray]:
        """Return (N, 4) boxes of pixel centres, y0 x0 y1 x1, and (N,) scores.

        Parameters
        ----------
        image
            Name of a sample; the last part of it counts.
        """
        found = self.boxes.get(PurePosixPath(image).name, np.zeros((0, 5)))
        x, y, width, height, scores = found.T
        far_y = y + np.maximum(height - 1, 0)
        far_x = x + np.maximum(width - 1, 0)
        return np.stack([y, x, far_y, far_x], axis=1), scores


def read_detections(path: Path) -> Detections:
    """Read boxes in the format of COCO.

    Parameters
    ----------
    path
        A JSON file: `images` with `id` and `file_name`, and `annotations` with
        `image_id`, `bbox` and perhaps `score`; or only a list of the latter, whose
        `image_id` are names of files.

    Raises
    ------
    DatasetError
        If it is none of that.
    """
    try:
        data = path.read_bytes()
        content = json.loads(data)
        rows, names = _parts(content)
        by_image: dict[str, list[list[float]]] = {}
        for row in rows:
            name = names.get(row["image_id"], str(row["image_id"]))
            x, y, width, height = (float(value) for value in row["bbox"])
            values = [x, y, width, height, float(row.get("score", 1.0))]
            by_image.setdefault(_stem(name), []).append(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"'{path}' has no boxes in the format of COCO ({type(error).__name__}: "
            f"{error}); expected a list of image_id, bbox [x, y, width, height] and "
            "score, or a document with images and annotations"
        ) from error
    boxes = {name: np.array(values) for name, values in by_image.items()}
    return Detections(path.name, hashlib.sha256(data).hexdigest(), boxes)


def _parts(content: Any) -> tuple[list[dict[str, Any]], dict[Any, str]]:
    if isinstance(content, list):
        return content, {}
    names = {image["id"]: str(image["file_name"]) for image in content["images"]}
    return content["annotations"], names


def _stem(name: str) -> str:
    file = PurePosixPath(name).name
    return file.rpartition(".")[0] or file
