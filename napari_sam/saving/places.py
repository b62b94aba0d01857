"""Where sessions are saved by themselves, and finding the one of an image again."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from napari_sam.opening.store_place import file_name_of
from tilesam.annotation.document import ImageRecord
from tilesam.annotation.replaying import summarize
from tilesam.annotation.session_file import is_open_somewhere, load_session
from tilesam.errors import SessionFileError
from tilesam.store.contents import image_to_plain

logger = logging.getLogger(__name__)

SUFFIX = ".sam.json"
LABELS_SUFFIX = ".labels.zarr"
_DIGITS = 8


@dataclass(frozen=True)
class EarlierSession:
    """A session of an image that somebody may want to go on with.

    Parameters
    ----------
    path
        Of its file.
    count
        Objects in it.
    saved
        When it was changed last, in local time.
    """

    path: Path
    count: int
    saved: datetime


def new_place(folder: Path, image: ImageRecord) -> Path:
    """Return the path of a session that does not exist yet, named after its image."""
    stem = _stem(image)
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        path = folder / f"{name}{SUFFIX}"
        if not path.exists() and not labels_place(path).exists():
            return path
    raise AssertionError("numbers have no end")


def labels_place(path: Path) -> Path:
    """Return the folder for labels that are too large for a session's file."""
    name = path.name.removesuffix(".json").removesuffix(".sam")
    return path.with_name(name + LABELS_SUFFIX)


def find_earlier(folder: Path, image: ImageRecord) -> EarlierSession | None:
    """Return the latest session of an image that is worth going on with.

    Those without objects and prompts are not, nor those that are open somewhere.
    """
    paths = folder.glob(f"{_stem(image)}*{SUFFIX}")
    for path in sorted(paths, key=_changed, reverse=True):
        found = _worth_it(path, image)
        if found is not None:
            return found
    return None


def _stem(image: ImageRecord) -> str:
    """Return a name that images of the same name and size elsewhere do not have."""
    plain = {"path": str(image.path or ""), **image_to_plain(image.identity)}
    text = json.dumps([image.name, plain], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{file_name_of(image.name)}-{digest}"


def _changed(path: Path) -> float:
    """Return when something was recorded last; what is gone is the oldest."""
    times = [0.0]
    for file in (path, path.with_name(path.name + ".journal")):
        try:
            times.append(file.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def _worth_it(path: Path, image: ImageRecord) -> EarlierSession | None:
    if is_open_somewhere(path):
        return None
    try:
        loaded = load_session(path)
        found = summarize(loaded)
    except SessionFileError as error:
        logger.warning("%s", error)
        return None
    is_same = loaded.document.image.identity == image.identity
    if not is_same or not (found.labels or found.is_asking):
        return None
    saved = datetime.fromtimestamp(_changed(path))
    return EarlierSession(path, len(found.labels), saved)
