"""A session as one file: what it is of, how it was set, and all its objects.

    {"format": "napari-sam-session", "version": 1, "image": {...}, ...}

Masks are COCO's compressed run lengths of crops, unless the labels are in a zarr array
of their own. Paths below the file's folder are kept relative to it, so that the folder
can be moved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilesam.annotation.durable import write_durably
from tilesam.annotation.provenance import prompts_from_plain, prompts_to_plain
from tilesam.annotation.stored_objects import StoredObject
from tilesam.errors import SessionFileError
from tilesam.image.locations import Location, is_address
from tilesam.store.contents import image_from_plain, image_to_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.model.runtime import SamModel
    from tilesam.types import ImageIdentity, Prompts

FORMAT = "napari-sam-session"
VERSION = 1


@dataclass(frozen=True)
class ImageRecord:
    """The image of a session.

    Parameters
    ----------
    name
        For people.
    path
        Where it is; None if it was never in a file.
    identity
        What tells it from images of another size or type.
    """

    name: str
    path: Location | None
    identity: ImageIdentity


@dataclass(frozen=True)
class ModelRecord:
    """The model of a session: its name and its weights.

    Parameters
    ----------
    name
        Of the model.
    weights_sha256
        In hexadecimal.
    refiner_sha256
        Of the weights of its refiner; None if it has none, "" if nobody wrote it down.
    """

    name: str
    weights_sha256: str
    refiner_sha256: str | None = None

    @classmethod
    def of(cls, model: SamModel) -> ModelRecord:
        """Return what tells a model from others."""
        refiner = model.refiner
        return cls(
            model.name,
            model.weights_sha256,
            None if refiner is None else refiner.weights_sha256,
        )

    def differs_from(self, model: SamModel) -> str | None:
        """Return what a model has others of, in words; None if it is the same."""
        other = ModelRecord.of(model)
        if other.weights_sha256 != self.weights_sha256:
            return "weights"
        is_known = self.refiner_sha256 != ""
        if is_known and other.refiner_sha256 != self.refiner_sha256:
            return "weights of the refiner"
        return None


@dataclass(frozen=True)
class LabelsRecord:
    """The label array of a session.

    Parameters
    ----------
    shape, dtype
        Of the array.
    path
        Of a zarr array that holds the labels; None if masks are with the objects.
    foreign_highest
        See `ObjectRows`.
    """

    shape: tuple[int, ...]
    dtype: str = "uint32"
    path: Location | None = None
    foreign_highest: int = 0


@dataclass(frozen=True, eq=False)
class SessionDocument:
    """What a session's file says.

    Parameters
    ----------
    image, model, labels
        What the session is of.
    plane
        Position along each axis that is neither rows, columns nor channels.
    settings
        Plain JSON, whatever whoever saves it wants back.
    prompts
        Of the object that is being asked about; None if there is none.
    objects
        All that were accepted or drawn, or were there before.
    journal
        Name of the journal that goes on from here; `SessionFile` gives it.
    replaces
        Name of the journal that is part of this document already.
    """

    image: ImageRecord
    model: ModelRecord
    labels: LabelsRecord
    plane: tuple[int, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    prompts: Prompts | None = None
    objects: tuple[StoredObject, ...] = ()
    journal: str = ""
    replaces: str = ""

    def require_image(self, identity: ImageIdentity) -> None:
        """Make sure that the session is of an image.

        Raises
        ------
        SessionFileError
            If it is of one of another size, type or number of channels.
        """
        if identity != self.image.identity:
            raise SessionFileError(
                f"the session is of {self.image.name}, {_said(self.image.identity)}, "
                f"and this image has {_said(identity)}; open the image that it is of"
            )

    def to_plain(self, folder: Path) -> dict[str, Any]:
        """Return the document as plain JSON, for a file in a folder."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "journal": self.journal,
            "replaces": self.replaces,
            "image": {
                "name": self.image.name,
                "path": _path_to_plain(self.image.path, folder),
                **image_to_plain(self.image.identity),
            },
            "plane": list(self.plane),
            "model": {
                "name": self.model.name,
                "weights_sha256": self.model.weights_sha256,
                "refiner_sha256": self.model.refiner_sha256,
            },
            "labels": {
                "shape": list(self.labels.shape),
                "dtype": self.labels.dtype,
                "path": _path_to_plain(self.labels.path, folder),
                "foreign_highest": self.labels.foreign_highest,
            },
            "settings": dict(self.settings),
            "prompts": None if self.prompts is None else prompts_to_plain(self.prompts),
            "objects": [stored.to_plain() for stored in self.objects],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], folder: Path) -> SessionDocument:
        """Return what `to_plain` made plain.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        image, model, labels = plain["image"], plain["model"], plain["labels"]
        prompts = plain["prompts"]
        return cls(
            image=ImageRecord(
                name=str(image["name"]),
                path=_path_from_plain(image["path"], folder),
                identity=image_from_plain(image),
            ),
            model=_model_from_plain(model),
            labels=LabelsRecord(
                shape=tuple(int(length) for length in labels["shape"]),
                dtype=str(labels["dtype"]),
                path=_path_from_plain(labels["path"], folder),
                foreign_highest=int(labels["foreign_highest"]),
            ),
            plane=tuple(int(at) for at in plain["plane"]),
            settings=dict(plain["settings"]),
            prompts=None if prompts is None else prompts_from_plain(prompts),
            objects=tuple(map(StoredObject.from_plain, plain["objects"])),
            journal=str(plain["journal"]),
            replaces=str(plain["replaces"]),
        )


def _model_from_plain(plain: Mapping[str, Any]) -> ModelRecord:
    # Earlier versions did not write the refiner down.
    refiner = plain.get("refiner_sha256", "")
    return ModelRecord(
        str(plain["name"]),
        str(plain["weights_sha256"]),
        None if refiner is None else str(refiner),
    )


def write_document(path: Path, document: SessionDocument) -> None:
    """Write a session's file, whole or not at all.

    Raises
    ------
    SessionFileError
        If it cannot be written, or a setting is not plain JSON.
    """
    plain = document.to_plain(path.absolute().parent)
    try:
        text = json.dumps(plain, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SessionFileError(
            f"{path} cannot be written: {error}; expected settings of numbers, texts, "
            "lists and dicts"
        ) from error
    write_durably(path, text.encode())


def read_document(path: Path) -> SessionDocument:
    """Read a session's file; without its journal, see `load_session`.

    Raises
    ------
    SessionFileError
        If it is missing, damaged, something else or of a newer version.
    """
    try:
        plain = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise SessionFileError(
            f"there is no session {path}; check the path and its spelling"
        ) from error
    except (OSError, ValueError) as error:
        raise SessionFileError(
            f"{path} cannot be read as a session ({error}); expected a .sam.json file; "
            "restore it from a copy"
        ) from error
    require_version(path, plain, FORMAT, VERSION)
    try:
        return SessionDocument.from_plain(plain, path.absolute().parent)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SessionFileError(
            f"{path} is damaged: {type(error).__name__} {error}; restore it from a copy"
        ) from error


def require_version(path: Path, plain: Any, name: str, version: int) -> None:
    """Make sure that a file says it is of a format and of a version known here.

    Raises
    ------
    SessionFileError
        If it does not.
    """
    if not isinstance(plain, dict) or plain.get("format") != name:
        raise SessionFileError(
            f"{path} is something else; expected a file that says it is a {name}; "
            "choose another file"
        )
    if plain.get("version") != version:
        raise SessionFileError(
            f"{path} has version {plain.get('version')!r} of its format; expected "
            f"{version}; open it with the version of the package that wrote it"
        )


def _path_to_plain(path: Location | None, folder: Path) -> str | None:
    if path is None or is_address(path):
        return None if path is None else str(path)
    absolute = Path(path).absolute()
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    return str(absolute)


def _path_from_plain(text: str | None, folder: Path) -> Location | None:
    if text is None or is_address(text):
        return text
    return folder / text


def _said(identity: ImageIdentity) -> str:
    height, width = identity.hw
    return (
        f"{height} x {width} pixels, {identity.channel_count} channel(s) of "
        f"{identity.dtype}"
    )
