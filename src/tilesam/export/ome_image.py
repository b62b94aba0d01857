"""The OME-Zarr image that labels belong to: its pyramid, units and pixel sizes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import filelock

from tilesam.errors import OutputError
from tilesam.writing import cannot_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OME_VERSION = "0.5"
LABELS = "labels"
"""Name of the group within an image that holds its labels."""

_GATE = ".labels.lock"
_SECONDS = 30.0
"""For which others list their labels at most: that is reading and writing one file."""


@dataclass(frozen=True)
class OmeImage:
    """What labels take over from an image.

    Parameters
    ----------
    folder
        Of its group.
    version
        Of its metadata.
    multiscale
        Its first one, as it is in the metadata.
    level_hws
        Height and width of each level.
    y_axis, x_axis
        Which axes of the image these are.
    """

    folder: Path
    version: str
    multiscale: Mapping[str, Any]
    level_hws: tuple[tuple[int, int], ...]
    y_axis: int
    x_axis: int

    @property
    def axes(self) -> list[dict[str, Any]]:
        """Metadata of rows and columns, with their units if the image has any."""
        axes = self.multiscale["axes"]
        return [dict(axes[self.y_axis]), dict(axes[self.x_axis])]

    def level_transforms(self, level: int) -> list[dict[str, Any]]:
        """Return the transforms of a level, for rows and columns alone."""
        return self._planar(self.multiscale["datasets"][level])

    @property
    def common_transforms(self) -> list[dict[str, Any]]:
        """Those of all levels together."""
        return self._planar(self.multiscale)

    def _planar(self, holder: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"type": kind, kind: [values[self.y_axis], values[self.x_axis]]}
            for transform in holder.get("coordinateTransformations", ())
            # Others, whose numbers lie in a file, nobody writes.
            if (values := transform.get(kind := transform["type"])) is not None
        ]


def ome_image_at(folder: Path) -> OmeImage | None:
    """Return what is known of an OME-Zarr image with named axes; None if it is none."""
    import zarr

    try:
        group = zarr.open_group(folder, mode="r")
        attributes = group.attrs.asdict()
        metadata: Any = attributes.get("ome", attributes)
        multiscale = metadata["multiscales"][0]
        names = [axis["name"].lower() for axis in multiscale["axes"]]
        y, x = names.index("y"), names.index("x")
        shapes = [group[dataset["path"]].shape for dataset in multiscale["datasets"]]  # type: ignore[union-attr]
    except (OSError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    version = str(metadata.get("version", multiscale.get("version", "")))
    hws = tuple((int(shape[y]), int(shape[x])) for shape in shapes)
    return OmeImage(folder, version, multiscale, hws, y, x)


def image_around(path: Path) -> OmeImage | None:
    """Return the image in whose group `labels` a path lies; None if it lies elsewhere.

    Raises
    ------
    OutputError
        If the image is of a version beside which no labels of today can lie.
    """
    if path.parent.name != LABELS:
        return None
    image = ome_image_at(path.absolute().parent.parent)
    if image is not None and image.version != OME_VERSION:
        raise OutputError(
            f"cannot write {path}: the image around it is OME-Zarr {image.version}; "
            f"expected {OME_VERSION}, as all of one hierarchy have to agree; choose a "
            "place outside of the image, such as labels.ome.zarr"
        )
    return image


def register_labels(path: Path) -> None:
    """List a label image in the group that it lies in, which is made an OME-Zarr one.

    Raises
    ------
    OutputError
        If the group cannot be written.
    """
    import zarr

    try:
        with _gate(path.parent):
            group = zarr.open_group(path.parent, mode="a", zarr_format=3)
            metadata: Any = group.attrs.asdict().get("ome", {})
            listed = list(metadata.get("labels", ()))
            if path.name not in listed:
                listed.append(path.name)
                changed = {"version": OME_VERSION, "labels": listed}
                group.attrs["ome"] = {**metadata, **changed}
    except (OSError, ValueError) as error:  # zarr has ValueErrors of its own
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def _gate(labels: Path) -> Iterator[None]:
    """Let one at a time change the list of labels: it is read, and written as a whole.

    The lock is in the group itself, as that is the folder that all who write into it
    share, whatever they see around it.
    """
    lock = filelock.FileLock(labels / _GATE, timeout=_SECONDS)
    with lock:
        try:
            yield
        finally:
            # Readers warn of files that are no part of the hierarchy. Whoever waits for
            # this one notices that it is gone (filelock does since 3.20.4). On Windows
            # it stays until it is released, which removes it there.
            with contextlib.suppress(OSError):
                (labels / _GATE).unlink()
