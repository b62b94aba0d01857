"""One image and one model: opened by their names, or from a session's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.annotated_image import AnnotatedImage
from tilesam.annotation import SessionFile
from tilesam.opening import load_if_named, open_embedding_store, open_source
from tilesam.reopening import ImageOrigin, reopen_image, reopen_model
from tilesam.tiled_image import MEMORY_STORE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from tilesam.image.normalization import Limits
    from tilesam.model.runtime import SamModel

__all__ = ["MEMORY_STORE_BYTES", "Session"]


class Session(AnnotatedImage):
    """An image that can be asked about; build it with `Session.open` or `replay`.

    All that can be done with it is in `AnnotatedImage`: one prompt after the other, and
    objects; and in `TiledImage`: all tiles, and everything at once.
    """

    @classmethod
    def open(
        cls,
        image: Any,
        *,
        model: SamModel | str | PathLike[str] | None = None,
        store: str | PathLike[str] | None = None,
        channels: Sequence[int] | int | None = None,
        channel_axis: int | None = None,
        plane: int | Sequence[int] | Mapping[str, int] | None = None,
        contrast_limits: Limits | Sequence[Limits] | None = None,
        object_diameter: float | None = None,
        labels: Any = None,
    ) -> Session:
        """Open an image for prompts; nothing is embedded before the first one.

        Parameters
        ----------
        image
            An array, a list of the levels of a pyramid, or the path of an image file,
            see `tilesam.image.open_image`.
        model
            What `load_model` returned, or what it takes: a registry name or the path
            of a checkpoint. By default the embedded `tiny`.
        store
            Folder in which embeddings are kept, see `tilesam.store.open_store`; made
            if it is missing. By default they are kept in memory.
        channels, channel_axis, plane, contrast_limits
            How to see the image, see `tilesam.image.open_image`. Without
            contrast limits a store's own are used, so that what it holds fits.
        object_diameter
            Of a typical object in pixels of the image, where objects are very small
            or very large; by default they are looked for at the image's resolution.
        labels
            Where accepted objects are painted: an array of integers, of the image's
            size, that may hold objects already; or the path of a zarr array, made if it
            is missing. It is looked through once. By default an empty array in
            memory, for images of up to 2**26 pixels; larger ones need it to accept.

        Raises
        ------
        ImageError, ImageReadError
            If the image does not fit or cannot be read.
        UnknownModelError, CheckpointError, DeviceError
            If the model cannot be loaded.
        StoreError
            If the store belongs to another image or is none.
        TilingError
            If the diameter is not a positive number.
        AnnotationError, SessionFileError
            If the labels do not fit, or cannot be opened or made.
        """
        source = open_source(
            image,
            store,
            channels=channels,
            channel_axis=channel_axis,
            plane=plane,
            contrast_limits=contrast_limits,
        )
        network = load_if_named(model)
        return cls(
            source,
            network,
            None if store is None else open_embedding_store(store, source, network),
            object_diameter=object_diameter,
            labels=labels,
            origin=ImageOrigin.of(image, channels, channel_axis, object_diameter),
        )

    @classmethod
    def replay(
        cls,
        path: str | PathLike[str],
        *,
        image: Any = None,
        model: SamModel | str | PathLike[str] | None = None,
        store: str | PathLike[str] | None = None,
    ) -> Session:
        """Open a saved session, which goes on where it stopped.

        Parameters
        ----------
        path
            What `save`, or the plugin, has written. From now on every step is
            saved there again.
        image
            Where the image is now, or its pixels; by default where it was.
        model
            To go on with, see `open`; by default the one of the session. A warning
            says so if its weights are others.
        store
            See `open`.

        Raises
        ------
        SessionFileError
            If the file is missing, damaged or open elsewhere, its labels are not where
            they were, or the image is another one.
        ImageError, ImageReadError, UnknownModelError, CheckpointError, DeviceError,
        StoreError
            See `open`.
        """
        file = SessionFile.open(path)
        try:
            document = file.loaded.document
            source = reopen_image(document, image)
            network = reopen_model(document.model, model)
            origin = ImageOrigin.recorded(document)
            session = cls(
                source,
                network,
                None if store is None else open_embedding_store(store, source, network),
                object_diameter=origin.object_diameter,
                origin=origin if image is None else origin.at(image),
            )
            session.go_on(file)
        except BaseException:
            file.close()
            raise
        return session
