"""Reading tensors from files of unknown origin without running anything from them.

Two formats are read: safetensors, which cannot hold code, and what `torch.save` writes,
through torch's unpickler for weights, which knows tensors and plain containers only.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import safetensors
import torch
from torch import Tensor

from tilesam.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

CONTAINER_KEYS = ("model", "state_dict", "model_state")
"""Under which training programs keep the weights among other things."""

_SAFETENSORS_MARK = b"\0\0\0\0{"
"""The upper half of the header's length, and the header's first byte.

The lower half may begin with any byte, also with that of the other formats.
"""

_PICKLE_MAGIC = b"\x80"
_ZIP_MAGIC = b"PK\x03\x04"
_ROOM_FOR_NAMES = 1 << 20

_LOOKS_LIKE = {
    b"<": "a web page, perhaps the login page of a network",
    b"version https://git-lfs": "a Git LFS pointer instead of the file it stands for",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "a gzip archive",
}


@dataclass(frozen=True)
class FileContent:
    """The named tensors of a file, on the CPU.

    Parameters
    ----------
    path
        Of the file, for messages.
    tensors
        May share memory with the file: copy before the file changes.
    metadata
        What a safetensors file says about itself; empty for other formats.
    """

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]


# Damaged and hostile files make the readers raise nearly every exception there is,
# hence the blind `except` clauses below; each of them raises a CheckpointError.


def read_tensors(path: Path) -> FileContent:
    """Return the named tensors of a weights file, whatever its suffix.

    Parameters
    ----------
    path
        A safetensors file, or one of `torch.save` with the tensors at its top or under
        one of `CONTAINER_KEYS`.

    Raises
    ------
    CheckpointError
        If it is neither, is incomplete, or holds anything that could run code.
    """
    start = _first_bytes(path)
    if start[4:9] == _SAFETENSORS_MARK:
        return _read_safetensors(path)
    if start.startswith(_ZIP_MAGIC):
        _check_archive(path)
        return FileContent(path, _read_pickled(path, is_archive=True), {})
    if start.startswith(_PICKLE_MAGIC):
        return FileContent(path, _read_pickled(path, is_archive=False), {})
    kind = next((k for magic, k in _LOOKS_LIKE.items() if start.startswith(magic)), "")
    raise CheckpointError(
        f"{path} is {kind or 'no weights file'}; expected safetensors or a PyTorch "
        "checkpoint (.safetensors, .pt, .pth); download it again"
    )


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(
            f"{path} cannot be read: {reason}; expected a weights file"
        ) from error
    if not start:
        raise CheckpointError(f"{path} is empty; download it again")
    return start


def _read_safetensors(path: Path) -> FileContent:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
            return FileContent(path, tensors, file.metadata() or {})
    except Exception as error:
        raise CheckpointError(
            f"{path} is a damaged or truncated safetensors file ({error}); download it "
            "again"
        ) from error


def _check_archive(path: Path) -> None:
    """Refuse archives that are incomplete, packed, or no plain checkpoint."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:
        raise CheckpointError(
            f"{path} is truncated or damaged ({error}); download it again"
        ) from error
    names = [member.filename for member in members]
    if any("/code/" in name or name.endswith("constants.pkl") for name in names):
        raise CheckpointError(
            f"{path} is a TorchScript program, not weights; save its state_dict instead"
        )
    if not any(name.endswith("data.pkl") for name in names):
        raise CheckpointError(
            f"{path} is a zip archive without a PyTorch checkpoint; unpack it and give "
            "the weights file inside"
        )
    # torch.save never compresses: what would grow when read was made to fill memory.
    unpacked = sum(member.file_size for member in members)
    if unpacked > path.stat().st_size + _ROOM_FOR_NAMES:
        raise CheckpointError(
            f"{path} would unpack to {unpacked:,} bytes, more than it has; no "
            "checkpoint of PyTorch does; do not use it"
        )


def _read_pickled(path: Path, *, is_archive: bool) -> dict[str, Tensor]:
    # Mapped into memory, an archive of gigabytes is not held twice. Only paths can be
    # mapped, but newer versions of torch go by the suffix of a path.
    is_mapped = is_archive and path.suffix != ".safetensors"
    try:
        with path.open("rb") as file:
            content = torch.load(
                path if is_mapped else file,
                map_location="cpu",
                weights_only=True,
                mmap=is_mapped,
            )
    except Exception as error:
        raise CheckpointError(_why_not_loaded(path, error)) from error
    return _named_tensors(path, content)


def _why_not_loaded(path: Path, error: Exception) -> str:
    # torch's own message tells people how to load the file all the same: never that.
    foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
    if foreign:
        return (
            f"{path} holds Python objects besides tensors ({foreign.group(1)}), which "
            "can run code and are never loaded; save it again with "
            "torch.save(model.state_dict(), ...) or as safetensors"
        )
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    if isinstance(error, pickle.UnpicklingError):
        first_line = "it does not hold tensors and plain containers only"
    return f"{path} is damaged or no checkpoint ({first_line}); download it again"


def _named_tensors(path: Path, content: object) -> dict[str, Tensor]:
    for key in CONTAINER_KEYS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict) or not content:
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}; expected a dictionary of named "
            f"tensors, or one under {', '.join(CONTAINER_KEYS)}"
        )
    others = [str(k) for k, v in content.items() if not isinstance(v, Tensor)]
    if others:
        raise CheckpointError(
            f"{path} has {len(others)} entries that are no tensors "
            f"({first_few(others)}); expected named tensors only, at the top or under "
            f"{', '.join(CONTAINER_KEYS)}"
        )
    return {str(key): tensor for key, tensor in content.items()}


def first_few(names: list[str], count: int = 3) -> str:
    """Return the first names of a list, for a message of one line."""
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
