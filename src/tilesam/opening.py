"""An image and a store of embeddings that fit each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilesam.image import Normalization, open_image
from tilesam.model.preprocessing import PREPROCESSING_VERSION
from tilesam.store import StoreContents, open_store, recorded_contents
from tilesam.store.folder import require_image
from tilesam.tiling import Grid
from tilesam.writing import require_writable_folder

if TYPE_CHECKING:
    from os import PathLike

    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import ZarrStore


def open_source(
    image: Any, store: str | PathLike[str] | None = None, **options: Any
) -> ImageSource:
    """Open an image, to be seen as it was seen when a store was made.

    Limits come from a sample of the pixels; were they found anew, a changed pixel could
    make all that is stored useless without a word.

    Parameters
    ----------
    image, **options
        See `tilesam.image.open_image`.
    store
        Folder of a store, if there is one. Its limits are used unless others are
        given.

    Raises
    ------
    ImageError, ImageReadError
        If the image does not fit or cannot be read.
    StoreError
        If the store cannot be read.
    """
    source = open_image(image, **options)
    if store is None or options.get("contrast_limits") is not None:
        return source
    recorded = _recorded_normalization(source, store)
    if recorded is None or recorded == source.normalization:
        return source
    return open_image(image, **options, normalization=recorded)


def _recorded_normalization(
    source: ImageSource, store: str | PathLike[str]
) -> Normalization | None:
    for contents in recorded_contents(store):
        if (contents.image, contents.channels) == (source.identity, source.channels):
            return Normalization.from_plain(contents.normalization)
    return None


def require_store_place(path: str | PathLike[str], source: ImageSource) -> None:
    """Make sure that a store fits an image and can be written, before work begins.

    Raises
    ------
    StoreError
        If there is something else, or a store of another image.
    OutputError
        If there is none and none can be made.
    """
    folder = Path(path).absolute()
    require_image(folder, source.identity)
    if not folder.exists():
        require_writable_folder(folder)


def open_embedding_store(
    path: str | PathLike[str], source: ImageSource, model: SamModel
) -> ZarrStore:
    """Open the embeddings of an image by a model in a store, made if it is missing.

    Raises
    ------
    StoreError
        See `tilesam.store.open_store`.
    """
    return open_store(path, build_contents(source, model))


def build_contents(source: ImageSource, model: SamModel) -> StoreContents:
    """Return what embeddings of an image by a model are of."""
    return StoreContents(
        image=source.identity,
        channels=source.channels,
        plane=source.plane,
        normalization=source.normalization.to_plain(),
        weights_sha256=model.weights_sha256,
        model_name=model.name,
        input_size=model.input_size,
        stride=Grid(source.hw, model.input_size).stride,
        preprocessing_version=PREPROCESSING_VERSION,
        embedding_shape=model.embedding_shape,
    )


def load_if_named(model: SamModel | str | PathLike[str] | None) -> SamModel:
    """Return a model, loaded unless it is one; by default the embedded `tiny`.

    Raises
    ------
    UnknownModelError, CheckpointError, DeviceError
        See `tilesam.model.checkpoints.loading.load_model`.
    """
    from tilesam.model.runtime import SamModel

    if isinstance(model, SamModel):
        return model
    from tilesam.model.checkpoints.loading import load_model

    return load_model("tiny" if model is None else model)
