"""Which annotator belongs to which image layer of which viewer.

All docks of a viewer, and scripts, meet here: whoever asks for the same layer gets the
same annotator. Viewers know nothing of each other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from napari.layers import Image, Layer
from napari.utils.notifications import show_warning

from napari_sam.annotator import Annotator
from napari_sam.preferences import Preferences, read_preferences
from napari_sam.threads.window_end import on_window_end
from tilesam.errors import ImageError

if TYPE_CHECKING:
    from napari import Viewer

_annotators: WeakKeyDictionary[object, dict[Image, Annotator]] = WeakKeyDictionary()


def open_session(
    viewer: Viewer,
    layer: Layer,
    *,
    model: str | None = None,
    device: str | None = None,
    preferences: Preferences | None = None,
) -> Annotator:
    """Annotate an image layer, or go on where it is annotated already.

    Parameters
    ----------
    viewer
        A napari viewer.
    layer
        One of its image layers.
    model
        Registry name or path of a checkpoint, for a layer that is new; by default what
        napari's Preferences say.
    device
        On which it runs; by default what the Preferences say.
    preferences
        Instead of those of napari.

    Returns
    -------
    Annotator
        The object that stands behind the docks, too.

    Raises
    ------
    ImageError
        If it is no image layer, or not one of this viewer.
    """
    if not isinstance(layer, Image) or layer not in viewer.layers:
        raise ImageError(
            f"'{layer}' is no image layer of this viewer; expected one of "
            f"{[other.name for other in images_of(viewer)]}; choose one of them"
        )
    known = _of(viewer)
    if layer not in known:
        chosen = preferences or read_preferences()
        for problem in chosen.problems:
            show_warning(problem)
        annotator = Annotator(
            *(viewer, layer),
            model=model or chosen.model,
            device=device or chosen.device,
            preferences=chosen,
        )
        known[layer] = annotator
        annotator.closed.connect(lambda: known.pop(layer, None))
    return known[layer]


def images_of(viewer: Viewer) -> list[Image]:
    """Return the image layers of a viewer, the uppermost first."""
    return [layer for layer in reversed(viewer.layers) if isinstance(layer, Image)]


def close_all(viewer: Viewer) -> None:
    """End the annotators of a viewer; their objects layers stay."""
    for annotator in list(_of(viewer).values()):
        annotator.close()


def _of(viewer: Viewer) -> dict[Image, Annotator]:
    # napari hands plugins a proxy, a new one for each dock.
    original = getattr(viewer, "__wrapped__", viewer)
    if original not in _annotators:
        _annotators[original] = {}
        on_window_end(original, partial(_close_all_of, ref(original)))
    return _annotators[original]


def _close_all_of(viewer: ref[Viewer]) -> None:
    # Weakly: the window would keep its viewer otherwise.
    original = viewer()
    if original is not None:
        close_all(original)
