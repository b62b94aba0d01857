"""What is known of an image before anybody says how to look at it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilesam.image.arrays import checked_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.image.arrays import ArrayLike
    from tilesam.image.georeference import GeoReference
    from tilesam.image.pixel_size import PixelSize


@dataclass(frozen=True, eq=False)
class StoredImage:
    """An image as a file or an array has it.

    Parameters
    ----------
    arrays
        Its resolutions, the finest first.
    name
        For people.
    axis_names
        As `tilesam.image.axes.resolve_layout` takes them; None if unknown.
    alpha
        The channel that the file declares as alpha, if it does.
    says_alpha
        Whether the absence of an alpha channel is declared too.
    georeference
        Where on earth it is.
    nodata
        Value of pixels that were not measured.
    pixel_size
        Of the finest resolution, if it is stated.
    skips_bad_levels
        Whether resolutions that do not fit are left out: nobody can mend the file of a
        slide scanner.
    close
        Closes the file. Called when nothing refers to this record any more, so it has
        to be kept for as long as the arrays are read.
    """

    arrays: tuple[ArrayLike, ...]
    name: str = "the image"
    axis_names: tuple[str, ...] | None = None
    alpha: int | None = None
    says_alpha: bool = False
    georeference: GeoReference | None = None
    nodata: float | None = None
    pixel_size: PixelSize | None = None
    skips_bad_levels: bool = False
    close: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        if self.close is not None:
            weakref.finalize(self, self.close)


def image_of_arrays(image: Any) -> StoredImage:
    """Return an array, or a sequence of arrays that are levels, as a stored image.

    Raises
    ------
    ImageError
        If it is none of that.
    """
    if is_levels(image):
        return StoredImage(tuple(checked_array(level) for level in image))
    return StoredImage((checked_array(image),))


def is_levels(image: object) -> bool:
    """Return whether this is a sequence of images, not one image in nested lists."""
    if not isinstance(image, Sequence) or isinstance(image, str) or not image:
        return False
    return all(len(getattr(level, "shape", ())) >= 2 for level in image)
