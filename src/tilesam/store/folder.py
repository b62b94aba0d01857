"""The folder of a store: whether it is one of ours, whose it is, and which sets it has.

What is told here of `zarr.json` is only what zarr's groups hold as attributes.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from tilesam.errors import StoreError, StoreFormatError, StoreMismatchError
from tilesam.store.contents import StoreContents, image_from_plain, image_to_plain
from tilesam.store.layout import METADATA, PARTIAL_SUFFIX, find_set, subfolders
from tilesam.writing import is_no_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tilesam.types import ImageIdentity

logger = logging.getLogger(__name__)

FORMAT = "napari-sam-embeddings"
VERSION = 1

_ELSEWHERE = "choose another path for the store"
_NOTHING_THERE = (FileNotFoundError, NotADirectoryError)
"""Where a file that was to be read is missing, or one of the folders above it."""


def store_attributes(image: ImageIdentity) -> dict[str, Any]:
    """Return what the group of a store says about itself."""
    return {"format": FORMAT, "version": VERSION, "image": image_to_plain(image)}


def read_image(store: Path) -> ImageIdentity | None:
    """Return whose embeddings a store holds; None if there is no store yet.

    Raises
    ------
    StoreError
        If something else is there.
    StoreFormatError
        If it is of another version.
    """
    if not _exists(store):
        return None
    try:
        attributes = _read_attributes(store)
    except _NOTHING_THERE:
        attributes = None
    if attributes is None or attributes.get("format") != FORMAT:
        raise StoreError(f"{store} is not a store of embeddings; {_ELSEWHERE}")
    _require_version(store, attributes.get("version"))
    try:
        return image_from_plain(attributes["image"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(store) from error


def require_image(store: Path, image: ImageIdentity) -> None:
    """Make sure that a store that exists belongs to an image.

    Raises
    ------
    StoreError, StoreFormatError
        See `read_image`.
    StoreMismatchError
        If it belongs to another one.
    """
    recorded = read_image(store)
    if recorded not in (None, image):
        raise StoreMismatchError(
            f"{store} holds embeddings of an image of {_described(recorded)}; this one "
            f"has {_described(image)}; open that image, or {_ELSEWHERE}"
        )


def require_set(store: Path, contents: StoreContents) -> Path:
    """Return the folder of a set, having made sure that it is what its name says.

    Raises
    ------
    StoreError
        If it is not.
    """
    folder = find_set(store, contents)
    # By trying: after any question another process may make or clear the set.
    try:
        recorded = _read_contents(folder)
    except _NOTHING_THERE:
        return folder
    if recorded is None or recorded.digest != contents.digest:
        raise StoreError(
            f"{folder} does not say what its name says: it was damaged or changed; "
            f"move it away, or {_ELSEWHERE}"
        )
    return folder


def read_sets(store: Path) -> list[StoreContents]:
    """Return what the sets of a store are of, by the names of their folders."""
    found = []
    for folder in subfolders(store):
        if folder.name.startswith("."):  # no set: one that is being removed
            continue
        try:
            contents = _read_contents(folder)
        except _NOTHING_THERE:
            continue
        if contents is None:
            logger.warning("%s is no set of embeddings, or damaged: left out", folder)
        else:
            found.append(contents)
    return found


def _exists(store: Path) -> bool:
    """Return whether there is anything at all but what a killed process left."""
    if is_no_folder(store):
        raise StoreError(f"{store} is a file; expected a folder; {_ELSEWHERE}")
    try:
        return any(path.suffix != PARTIAL_SUFFIX for path in store.iterdir())
    except _NOTHING_THERE:
        return False  # maybe removed a moment ago
    except OSError as error:
        raise StoreError(
            f"{store} cannot be read: {error.strerror or error}; {_ELSEWHERE}"
        ) from error


def _read_attributes(folder: Path) -> dict[str, Any] | None:
    """Return the attributes of a zarr v3 group; None where something else is.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If nothing is there.
    StoreError
        If it cannot be read.
    """
    try:
        metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    except _NOTHING_THERE:
        raise
    except (OSError, ValueError) as error:
        raise _damaged(folder) from error
    if not isinstance(metadata, dict) or metadata.get("node_type") != "group":
        return None
    attributes = metadata.get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _read_contents(folder: Path) -> StoreContents | None:
    """Return what a set is of; None where it does not say so.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no set.
    """
    try:
        return StoreContents.from_plain(_read_attributes(folder) or {})
    except (StoreError, KeyError, TypeError, ValueError):
        return None


def _require_version(store: Path, version: object) -> None:
    if version == VERSION:
        return
    if isinstance(version, int) and version > VERSION:
        found, advice = "a newer version of this package", "update the package"
    else:
        found, advice = "an older version of this package", "use that version"
    raise StoreFormatError(
        f"{store} was written by {found}: its format is {version}, expected {VERSION}; "
        f"{advice}, or {_ELSEWHERE} to have the embeddings computed again"
    )


def _damaged(folder: Path) -> StoreError:
    return StoreError(
        f"{folder / METADATA} cannot be read or is damaged; restore it from a copy, or "
        f"{_ELSEWHERE}"
    )


def _described(image: ImageIdentity | None) -> str:
    if image is None:
        return "unknown size"
    height, width = image.hw
    return f"{height} x {width} pixels, {image.channel_count} channel(s), {image.dtype}"
