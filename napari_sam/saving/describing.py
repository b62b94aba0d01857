"""What a session's file says of an image layer and of everything done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_sam.layers.geometry import layer_geometry
from napari_sam.layers.layer_origin import location_of_layer, reader_of
from napari_sam.layers.new_objects_layer import labels_shape
from tilesam.annotation.document import (
    ImageRecord,
    LabelsRecord,
    ModelRecord,
    SessionDocument,
)
from tilesam.annotation.label_arrays import location_of_array
from tilesam.annotation.stored_objects import collect_objects, objects_without_masks
from tilesam.reopening import ImageOrigin

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.layers.objects_layer import ObjectsLayer
    from tilesam.session import Session
    from tilesam.types import Prompts


def image_record(image: Image, session: Session) -> ImageRecord:
    """Return what tells an image from others."""
    return ImageRecord(image.name, location_of_layer(image), session.source.identity)


def describe_layer(image: Image) -> dict[str, Any]:
    """Return how a layer shows its image, as plain JSON, to show it so again."""
    geometry = layer_geometry(image)
    return {
        "name": image.name,
        "rgb": bool(image.rgb),
        "reader": reader_of(image),
        "contrast_limits": [float(limit) for limit in image.contrast_limits],
        "units": [str(unit) for unit in geometry["units"]],
        "axis_labels": list(geometry["axis_labels"]),
        **{
            name: geometry[name].tolist()
            for name in ("scale", "translate", "rotate", "shear", "affine")
        },
    }


def describe_settings(
    annotator: Annotator, chosen: ObjectsLayer | None
) -> dict[str, Any]:
    """Return what was chosen in the docks, as plain JSON, and how the image is seen."""
    session = annotator.session
    axis = annotator.image.ndim if annotator.image.rgb else None
    origin = ImageOrigin(channel_axis=axis, object_diameter=annotator.object_diameter)
    opening = {} if session is None else origin.settings(session.source)
    return {
        **opening,
        "model": annotator.model,
        "plane": list(annotator.plane),
        "object_diameter": annotator.object_diameter,
        "policy": annotator.objects.policy,
        "refines": annotator.annotation.refines,
        "chosen": annotator.annotation.chosen,
        "objects": None if chosen is None else chosen.layer.name,
        "layer": describe_layer(annotator.image),
    }


def describe_session(
    image: ImageRecord,
    model: ModelRecord,
    annotator: Annotator,
    chosen: ObjectsLayer | None,
    *,
    prompts: Prompts | None,
) -> SessionDocument:
    """Return a session as it is now.

    Parameters
    ----------
    image, model
        What it is of.
    annotator
        Its plane and settings count; its objects may be others already.
    chosen
        The objects; None before there are any.
    prompts
        That are being asked; None if none are.
    """
    labels, objects = LabelsRecord(labels_shape(annotator.image)), ()
    if chosen is not None:
        place = location_of_array(chosen.finest)
        labels = LabelsRecord(
            *(chosen.target.shape, chosen.target.dtype.name, place),
            foreign_highest=chosen.rows.foreign_highest,
        )
        objects = (
            collect_objects(chosen.target, chosen.rows)
            if place is None
            else objects_without_masks(chosen.rows)
        )
    settings = describe_settings(annotator, chosen)
    return SessionDocument(
        *(image, model, labels, annotator.plane, settings, prompts, objects)
    )
