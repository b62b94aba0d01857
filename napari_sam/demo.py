"""Show the results of `napari-sam demo` in napari: `python -m napari_sam.demo FOLDER`.

Reads files and builds layers; which masks there are was decided by the engine before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import ImageReadError, TilesamError
from tilesam.image.reading import read_image_file
from tilesam.masks.rle import decode_rle, decompress_counts

if TYPE_CHECKING:
    from napari import Viewer

LayerData = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, keyword arguments, layer type."""

RANKS = ("1st", "2nd", "3rd")
POLARITY_COLORS = {"positive": "green", "negative": "red"}
GAP = 32
"""Pixels between two images that are shown side by side."""


def build_layers(folder: Path) -> list[LayerData]:
    """Return the layers of one result, or of all in the subfolders, side by side.

    Parameters
    ----------
    folder
        With `candidates.json` and `image.png`, or with subfolders of which each has
        them.

    Returns
    -------
    list of LayerData
        For each image: the image, three Labels layers with the third, second and first
        candidates, of which the first are visible, and the prompts. A label is the
        number of an object, counted from 1.

    Raises
    ------
    ImageReadError
        If there is no such result, or it cannot be read.
    """
    folders = [path.parent for path in _record_paths(folder)]
    if not folders:
        raise ImageReadError(
            f"{folder} holds no candidates.json, nor does a folder in it; expected "
            "results; make them with `napari-sam demo --headless --out FOLDER`"
        )
    layers: list[LayerData] = []
    left = 0
    for result in folders:
        record = _read_record(result / "candidates.json")
        layers.extend(
            _layers_of(record, read_image_file(result / "image.png").array, left)
        )
        left += record["image"]["width"] + GAP
    return layers


def _record_paths(folder: Path) -> list[Path]:
    own = folder / "candidates.json"
    return [own] if own.is_file() else sorted(folder.glob("*/candidates.json"))


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind, version = record["format"], record["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageReadError(
            f"{path} cannot be read ({error!r}); expected the result of `napari-sam "
            "demo`; make it again"
        ) from error
    if (kind, version) != ("napari-sam-candidates", 1):
        raise ImageReadError(
            f"{path} is {kind!r}, version {version}; expected 'napari-sam-candidates', "
            "version 1; make it again with this version of napari-sam-tiles"
        )
    return record


def _layers_of(
    record: dict[str, Any], pixels: np.ndarray, left: int
) -> Iterator[LayerData]:
    name, objects = record["image"]["name"], record["objects"]
    options = {"name": name, "rgb": True, "translate": (0, left)}
    yield pixels, options, "image"
    for rank in reversed(range(len(RANKS))):
        yield _candidates_layer(record, rank=rank, left=left)
    yield from _prompt_layers(name, objects, left)


def _candidates_layer(record: dict[str, Any], *, rank: int, left: int) -> LayerData:
    size = record["image"]["height"], record["image"]["width"]
    candidates = [o["candidates"][rank] for o in record["objects"]]
    labels = np.zeros(size, np.uint16)
    for number, candidate in enumerate(candidates, start=1):
        counts = decompress_counts(candidate["segmentation"]["counts"])
        labels[decode_rle(counts, size)] = number
    scores = ", ".join(_score_text(c["predicted_iou"]) for c in candidates)
    options = {
        "name": f"{RANKS[rank]}, IoU {scores}: {record['image']['name']}",
        "translate": (0, left),
        "opacity": 0.5,
        "visible": rank == 0,
        # Row 0 is the background; napari shows a label's row in the status bar.
        "features": {
            "predicted_iou": [np.nan, *(c["predicted_iou"] for c in candidates)],
            "stability_score": [np.nan, *(c["stability_score"] for c in candidates)],
        },
    }
    return labels, options, "labels"


def _score_text(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.2f}"


def _prompt_layers(
    name: str, objects: Sequence[dict[str, Any]], left: int
) -> Iterator[LayerData]:
    asked = [o["prompts"] for o in objects]
    boxes = [_box_corners(*box) for prompts in asked for box in prompts["boxes_yxyx"]]
    if boxes:
        options = {
            "name": f"boxes: {name}",
            "translate": (0, left),
            "shape_type": "rectangle",
            "edge_color": "white",
            "edge_width": 2,
            "face_color": "transparent",
        }
        yield boxes, options, "shapes"
    points = [point for prompts in asked for point in prompts["points_yx"]]
    labels = [label for prompts in asked for label in prompts["point_labels"]]
    if points:
        polarity = ["positive" if label else "negative" for label in labels]
        options = {
            "name": f"points: {name}",
            "translate": (0, left),
            "features": {"polarity": polarity},
            "face_color": [POLARITY_COLORS[kind] for kind in polarity],
            "border_color": "white",
            "size": 10,
        }
        yield np.array(points), options, "points"


def _box_corners(y0: float, x0: float, y1: float, x1: float) -> np.ndarray:
    return np.array([(y0, x0), (y0, x1), (y1, x1), (y1, x0)])


def show(viewer: Viewer, layers: Sequence[LayerData]) -> None:
    """Add layers to a viewer and bring all of them into view."""
    from napari.layers import Layer

    viewer.layers.extend([Layer.create(*layer_data) for layer_data in layers])
    viewer.reset_view()


def main(arguments: Sequence[str]) -> None:
    """Open a viewer with the results in a folder and wait until it is closed.

    Raises
    ------
    SystemExit
        With one line that says what is wrong, before any window opens.
    """
    if len(arguments) != 1:
        raise SystemExit("Usage: python -m napari_sam.demo FOLDER")
    try:
        layers = build_layers(Path(arguments[0]))
    except TilesamError as error:
        raise SystemExit(f"Error: {error}") from error
    _require_qt()

    import napari

    show(napari.Viewer(title="napari-sam demo"), layers)
    napari.run()


def _require_qt() -> None:
    try:
        import_module("qtpy")
    except ImportError as error:
        raise SystemExit(
            "Error: napari finds no Qt binding for its window; expected PyQt6 or "
            'PySide6; run `pip install "napari-sam-tiles[all]"`'
        ) from error


if __name__ == "__main__":
    main(sys.argv[1:])
