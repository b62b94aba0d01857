"""Image and model of a session from the disk, as they were when it was saved."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation import ImageRecord
from tilesam.errors import (
    ImageError,
    ImageReadError,
    SessionFileError,
    UnknownModelError,
)
from tilesam.image import Normalization, open_image
from tilesam.image.locations import location_of, name_of
from tilesam.opening import load_if_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.annotation import ModelRecord, SessionDocument
    from tilesam.image import ImageSource
    from tilesam.image.locations import Location
    from tilesam.model.runtime import SamModel

OPENING = "opening"
"""Key of a session's settings: how its image was opened."""


@dataclass(frozen=True)
class ImageOrigin:
    """Where the image of a session came from, and how it was opened.

    Parameters
    ----------
    location
        Of its file; None if it came as an array.
    channels, channel_axis
        As they were given, see `tilesam.image.open_image`.
    object_diameter
        As it was given, see `Session.open`.
    """

    location: Location | None = None
    channels: tuple[int, ...] | int | None = None
    channel_axis: int | None = None
    object_diameter: float | None = None

    @classmethod
    def of(
        cls,
        image: Any,
        channels: Sequence[int] | int | None,
        channel_axis: int | None,
        object_diameter: float | None,
    ) -> ImageOrigin:
        """Return where an image came from that was opened with these options."""
        plain = None if channels is None else np.asarray(channels).tolist()
        return cls(
            channels=tuple(plain) if isinstance(plain, list) else plain,
            channel_axis=channel_axis,
            object_diameter=object_diameter,
        ).at(image)

    @property
    def name(self) -> str:
        """For people: the last part of the path."""
        return "image" if self.location is None else name_of(self.location)

    def at(self, image: Any) -> ImageOrigin:
        """Return the same for an image that is somewhere else, or in an array."""
        is_named = isinstance(image, str | PathLike)
        return replace(self, location=location_of(image) if is_named else None)

    def record(self, source: ImageSource) -> ImageRecord:
        """Return what a session's file says of the image."""
        return ImageRecord(self.name, self.location, source.identity)

    def settings(self, source: ImageSource) -> dict[str, Any]:
        """Return what a session's settings say, as plain JSON."""
        channels = self.channels
        is_several = channels is not None and not isinstance(channels, int)
        opening = {
            "channels": list(channels) if is_several else channels,  # type: ignore[arg-type]
            "channel_axis": self.channel_axis,
            "normalization": source.normalization.to_plain(),
            "object_diameter": self.object_diameter,
        }
        return {OPENING: opening}

    @classmethod
    def recorded(cls, document: SessionDocument) -> ImageOrigin:
        """Return what a session's file says; of one that says nothing the defaults.

        Raises
        ------
        SessionFileError
            If it says something else.
        """
        opening = _opening_of(document.settings)
        channels = opening.get("channels")
        return cls(
            document.image.path,
            tuple(channels) if isinstance(channels, list) else channels,
            opening.get("channel_axis"),
            opening.get("object_diameter"),
        )


def reopen_image(document: SessionDocument, image: Any = None) -> ImageSource:
    """Open the image of a session, to be seen as it was seen then.

    Parameters
    ----------
    document
        Of the session.
    image
        Where it is now, or its pixels; by default where the session says.

    Raises
    ------
    SessionFileError
        If it is another image, or the session does not say where it is.
    ImageError, ImageReadError
        If it does not fit or cannot be read.
    """
    origin = ImageOrigin.recorded(document)
    where = origin.location if image is None else image
    if where is None:
        raise SessionFileError(
            f"the session is of {document.image.name}, which was not in a file that it "
            "knows of; expected the image as well; give it, as image=..."
        )
    source = _open(where, origin, document)
    document.require_image(source.identity)
    return source


def reopen_model(
    record: ModelRecord, model: SamModel | str | PathLike[str] | None = None
) -> SamModel:
    """Return the model of a session, or the one that is to go on in its place.

    Other weights answer otherwise than those of the session, which a warning says;
    objects stay as they are.

    Parameters
    ----------
    record
        Of the session.
    model
        What to load instead, see `load_if_named`.

    Raises
    ------
    UnknownModelError
        If nothing has the recorded name, as with a file of weights: then give it.
    CheckpointError, DownloadError, DeviceError
        See `tilesam.load_model`.
    """
    try:
        network = load_if_named(record.name if model is None else model)
    except UnknownModelError as error:
        if model is not None:
            raise
        raise UnknownModelError(
            f"the session was made with the model {record.name!r}, which is no name "
            "that is known here; expected its weights; give their path, or another "
            "model to go on with, as model=..."
        ) from error
    difference = record.differs_from(network)
    if difference is not None:
        warnings.warn(
            f"the session was made with {record.name}, and goes on with {network.name} "
            f"with other {difference}: its objects stay as they are, and the same "
            "prompts may have other answers from now on",
            UserWarning,
            stacklevel=3,
        )
    return network


def _open(where: Any, origin: ImageOrigin, document: SessionDocument) -> ImageSource:
    plain = _opening_of(document.settings).get("normalization")
    try:
        normalization = None if plain is None else Normalization.from_plain(plain)
        return open_image(
            where,
            channels=origin.channels,
            channel_axis=origin.channel_axis,
            plane=document.plane or None,
            normalization=normalization,
        )
    except (ImageReadError, ImageError) as error:
        raise type(error)(
            f"{error}; the session is of {document.image.name}: if that is elsewhere "
            "now, or can be opened in another way only, give it, as image=..."
        ) from error


def _opening_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    opening = settings.get(OPENING, {})
    if not isinstance(opening, dict):
        raise SessionFileError(
            f"the session's settings have {opening!r} for how the image was opened; "
            "expected names and values; restore it from a copy"
        )
    return opening
