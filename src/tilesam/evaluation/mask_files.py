"""Masks of any origin: folders of label images, COCO's JSON, sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError
from tilesam.evaluation.folders import LABELS, label_files, open_labelled
from tilesam.evaluation.labels import read_labels
from tilesam.masks.rle import decode_rle, decompress_counts
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.training.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tilesam.types import BoolArray

MaskedImage = tuple[str, RunMasks, tuple[int, int]]
"""Name of an image, its masks, and its height and width."""


def read_masks(path: Path, split: str) -> Iterator[MaskedImage]:
    """Yield the masks of one image after the other.

    Parameters
    ----------
    path
        A folder with a manifest, or with labels/, or of label images alone; one label
        image; or a file that `napari-sam export` or a session wrote (COCO JSON).
    split
        Of the manifest.

    Raises
    ------
    DatasetError
        If it is none of these.
    """
    if path.is_dir():
        if (path / MANIFEST_NAME).is_file():
            yield from _of_manifest(path, split)
            return
        within = path / LABELS
        files = label_files(within if within.is_dir() else path)
        for name, file in files.items():
            yield _of_label_file(name, file)
    elif path.suffix.lower() == ".json":
        yield from read_coco(path)
    elif path.is_file():
        yield _of_label_file(path.stem, path)
    else:
        raise DatasetError(
            f"'{path}' does not exist; expected a folder of label images, a label "
            "image, or exported objects (.json)"
        )


def _of_manifest(path: Path, split: str) -> Iterator[MaskedImage]:
    images = open_labelled(path, split)
    for sample in (images[index] for index in range(len(images))):
        masks = [RunMasks.from_labels(layer)[0] for layer in sample.label_layers]
        yield sample.name, concatenate(masks), sample.image.shape[:2]


def _of_label_file(name: str, path: Path) -> MaskedImage:
    labels = read_labels(path)
    return name, RunMasks.from_labels(labels)[0], (labels.shape[0], labels.shape[1])


def read_coco(path: Path) -> Iterator[MaskedImage]:
    """Yield the masks of a document in the format of COCO or of SA-1B.

    Raises
    ------
    DatasetError
        If it is none, or a mask is a polygon.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        images = content.get("images") or [content["image"]]
        annotations = content["annotations"]
        by_image: dict[Any, list[Mapping[str, Any]]] = {}
        only = images[0].get("id", images[0].get("image_id"))
        for annotation in annotations:
            key = annotation.get("image_id", only)
            by_image.setdefault(key, []).append(annotation["segmentation"])
        for image in images:
            image_hw = (int(image["height"]), int(image["width"]))
            key = image.get("id", image.get("image_id"))
            masks = [_mask_of(one, image_hw) for one in by_image.get(key, [])]
            runs = RunMasks.from_crops(masks, [(0, 0)] * len(masks))
            yield str(image["file_name"]), runs, image_hw
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"'{path}' holds no masks that can be read ({type(error).__name__}: "
            f"{error}); expected COCO with run lengths, as `napari-sam export` writes "
            "it; for a session, export its objects to .json first"
        ) from error


def _mask_of(segmentation: Any, image_hw: tuple[int, int]) -> BoolArray:
    if not isinstance(segmentation, dict):
        raise ValueError("a mask is a polygon, not run lengths")
    counts = segmentation["counts"]
    if isinstance(counts, str):
        counts = decompress_counts(counts)
    return decode_rle(np.asarray(counts, np.int64), image_hw)
