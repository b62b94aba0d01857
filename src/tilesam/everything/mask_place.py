"""Where a folder of masks can be, and whether what is there belongs to a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import EverythingError, OutputError
from tilesam.everything.mask_folder import CONTENTS, SUFFIX, FolderMaskStore, listed
from tilesam.everything.mask_store import MaskStoreContents
from tilesam.store.layout import PARTIAL_SUFFIX, level_folders
from tilesam.store.publishing import can_write, publish, remove_stale_partials
from tilesam.writing import cannot_write, require_writable_folder

if TYPE_CHECKING:
    from os import PathLike

    from tilesam.everything.settings import DecodeSettings

FORMAT = "napari-sam-masks"
VERSION = 1


def open_mask_folder(
    path: str | PathLike[str],
    contents: MaskStoreContents,
    *,
    needed: DecodeSettings | None = None,
) -> FolderMaskStore:
    """Open a folder of masks, which is made if it is missing.

    Parameters
    ----------
    path
        Of the folder; there may be an empty one.
    contents
        What its masks are of if it is made now.
    needed
        What the masks of a folder that exists have to include; by default what
        `contents` says. The folder's own contents may have lower thresholds.

    Raises
    ------
    EverythingError
        If the folder holds something else, or masks of another image, model or
        question.
    OutputError
        If it cannot be made or written to.
    """
    folder = Path(path).absolute()
    require_mask_place(folder, contents.embeddings.image.hw)
    document = {"format": FORMAT, "version": VERSION, **contents.to_plain()}
    try:
        # Of two processes that begin at once the first one says what it is of.
        publish(folder / CONTENTS, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise cannot_write(folder, error) from error
    recorded = _read_contents(folder)
    _require_same(folder, recorded, contents, needed or contents.decoding)
    remove_stale_partials(folder)
    return FolderMaskStore(folder, recorded)


def require_mask_place(path: str | PathLike[str], image_hw: tuple[int, int]) -> None:
    """Make sure that masks of an image can be kept in a folder, before work begins.

    Raises
    ------
    EverythingError
        If there is something else, or masks of an image of another size.
    OutputError
        If it cannot be made or written to.
    """
    folder = Path(path).absolute()
    require_writable_folder(folder)
    if not folder.exists():
        return
    if not can_write(folder):
        raise OutputError(
            f"cannot write into {folder}; choose a folder that you may write to"
        )
    # In this order: another run may say between the two what the folder is of.
    has_else = _has_something_else(folder)
    if (folder / CONTENTS).exists():
        recorded = _read_contents(folder).embeddings.image
        if recorded.hw != tuple(image_hw):
            raise _other(folder, "image", _size(recorded.hw), _size(image_hw))
    elif has_else:
        raise EverythingError(
            f"{folder} is no folder of masks; expected one, or an empty or new folder; "
            "choose another one"
        )


def _has_something_else(folder: Path) -> bool:
    """Return whether there is anything that no run leaves.

    Of two runs one may remove the contents while the other still writes a tile: masks
    without contents, which count for nothing unless they fit the contents to come.
    """
    levels = {level for _, level in level_folders(folder)}
    in_levels = [path for level in levels for path in listed(level)]
    beside = {path for path in listed(folder) if path.suffix != PARTIAL_SUFFIX}
    return bool(beside - levels - {folder / CONTENTS}) or any(
        path.suffix not in (SUFFIX, PARTIAL_SUFFIX) for path in in_levels
    )


def _read_contents(folder: Path) -> MaskStoreContents:
    try:
        document = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        if (document["format"], document["version"]) == (FORMAT, VERSION):
            return MaskStoreContents.from_plain(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EverythingError(
            f"{folder / CONTENTS} cannot be read or is damaged; choose another folder, "
            "or remove this one to begin again"
        ) from error
    raise EverythingError(
        f"{folder} was not written by this version of the package; choose another "
        "folder, or remove this one to begin again"
    )


def _require_same(
    folder: Path,
    recorded: MaskStoreContents,
    contents: MaskStoreContents,
    needed: DecodeSettings,
) -> None:
    theirs, ours = recorded.embeddings, contents.embeddings
    if theirs.image != ours.image:
        raise _other(folder, "image", _size(theirs.image.hw), _size(ours.image.hw))
    if theirs.weights_sha256 != ours.weights_sha256:
        raise _other(folder, "model", theirs.model_name, ours.model_name)
    if theirs.digest != ours.digest:
        raise EverythingError(
            f"{folder} holds masks of the same image seen otherwise: with other "
            "channels, another plane or other limits; choose them again, or take "
            "another folder"
        )
    if not recorded.serves(needed):
        raise EverythingError(
            f"{folder} holds masks that were decoded with "
            f"{_described(recorded.decoding)}; needed are {_described(needed)}; take "
            "these settings, or another folder to decode again"
        )


def _other(folder: Path, what: str, theirs: str, ours: str) -> EverythingError:
    return EverythingError(
        f"{folder} holds masks of another {what}: of {theirs}, this one is {ours}; "
        "take another folder, or remove this one to begin again"
    )


def _size(hw: tuple[int, int]) -> str:
    return f"{hw[0]} x {hw[1]} pixels"


def _described(decoding: DecodeSettings) -> str:
    return ", ".join(f"{name} {value}" for name, value in decoding.to_plain().items())
