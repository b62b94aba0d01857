"""The objects of a layer -> a file, on the engine's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam.layers.layer_origin import location_of_layer
from napari_sam.layers.layer_pixel_size import pixel_size
from tilesam.annotation.exporting import write_objects
from tilesam.annotation.level_target import LevelsTarget
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.targets import ArrayTarget, OnlyLabels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sam.annotator import Annotator


def export_of(
    annotator: Annotator, path: Path, *, labels: Sequence[int] | None = None
) -> Callable[[], Path] | None:
    """Return what writes the objects that an annotator has now; None without any.

    Parameters
    ----------
    annotator
        Of which the plane that is shown is written.
    path
        Its suffix says how.
    labels
        Of the objects to write; by default all.

    Returns
    -------
    callable
        Returns what was written. To be called on any thread, and raises `OutputError`
        if that fails.
    """
    chosen, session = annotator.objects.current, annotator.session
    if chosen is None or session is None:
        return None
    layer = chosen.layer
    target = LevelsTarget(layer.data) if layer.multiscale else ArrayTarget(layer.data)
    chosen_labels = target if labels is None else OnlyLabels(target, labels)
    # Rows are changed on the window's thread; those of now are written.
    rows = ObjectRows(list(chosen.rows), foreign_highest=chosen.rows.foreign_highest)
    plane, image = annotator.plane, location_of_layer(annotator.image)
    name, model_name = annotator.image.name, session.model.name
    place = {key: getattr(layer, key) for key in ("scale", "translate", "units")}
    size = pixel_size(place)

    def write() -> Path:
        return write_objects(
            *(path, chosen_labels, rows),
            plane=plane,
            image=image,
            source=session.source,
            image_name=name,
            model_name=model_name,
            pixel_size=size,
        )

    return write
