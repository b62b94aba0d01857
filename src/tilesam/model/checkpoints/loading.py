"""From a name or a path to a model that answers, or to an error and nothing loaded."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import CheckpointError, TilesamError
from tilesam.model.checkpoints.architectures import (
    detect_config,
    with_released_names,
)
from tilesam.model.checkpoints.digests import hash_file
from tilesam.model.checkpoints.download import embedded_file, fetch
from tilesam.model.checkpoints.files import read_tensors
from tilesam.model.checkpoints.fitting import check_fits
from tilesam.model.checkpoints.locations import cache_folder, find_local
from tilesam.model.checkpoints.receipts import check_file
from tilesam.model.checkpoints.refiner_weights import find_refiner
from tilesam.model.checkpoints.registry import REGISTRY, find_entry
from tilesam.model.configs import CONFIGS, build_sam
from tilesam.model.device import choose_device
from tilesam.model.runtime import SamModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

    from tilesam.model.checkpoints.registry import ModelEntry
    from tilesam.model.checkpoints.transfer import Progress
    from tilesam.model.configs import SamConfig
    from tilesam.model.sam import Sam

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightsFile:
    """A file to load, with what is known of it.

    Parameters
    ----------
    path
        Exists; of a named model it has been checked.
    name
        For people: the registry's, or that of the file.
    architecture
        What it must hold; None if it may be anything.
    sha256
        Of its content, in hexadecimal.
    """

    path: Path
    name: str
    architecture: str | None
    sha256: str


def load_model(
    name_or_path: str | PathLike[str] = "tiny",
    *,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    folder: str | PathLike[str] | None = None,
    refined: bool = True,
) -> SamModel:
    """Return a model with its weights, ready to answer.

    Parameters
    ----------
    name_or_path
        A name of the registry (`napari-sam models list`), or the path of a weights
        file. A named model that is not on this machine is downloaded once, unless the
        environment variable `NAPARI_SAM_OFFLINE` is `1`.
    device
        `"cuda"`, `"mps"`, `"cpu"` ...; None takes the best there is.
    dtype
        `"float32"`, `"bfloat16"`, `"float16"`; None takes the fastest that is safe.
    folder
        Searched for the weights of a named model before the folder of the environment
        variable `NAPARI_SAM_MODELS_DIR` and the cache.
    refined
        Whether a refiner that lies beside the weights looks at masks again; the
        embedded model has one.

    Returns
    -------
    SamModel
        On the device, with the sha256 of the weights.

    Raises
    ------
    UnknownModelError
        If neither a model nor a file has this name.
    DownloadError
        If the weights are not here and cannot be fetched.
    CheckpointError
        If the file is damaged, is another model, or holds more than weights.
    DeviceError
        If there is no such device or precision.
    """
    choose_device(device)  # before gigabytes are read in vain
    folder = None if folder is None else Path(folder).absolute()
    weights = find_weights(name_or_path, folder=folder, may_download=True)
    is_named = weights.architecture is not None
    # A name is found in whichever folder another machine keeps its weights.
    place = weights.name if is_named else str(weights.path.absolute())
    network = load_network(weights.path, architecture=weights.architecture)
    size = network.config.input_size
    return SamModel(
        network,
        name=weights.name,
        weights_sha256=weights.sha256,
        device=device,
        dtype=dtype,
        recipe=(_load_same, (place, weights.sha256, device, dtype, folder, refined)),
        refiner=find_refiner(weights.path, weights.sha256, input_size=size)
        if refined
        else None,
    )


def _load_same(
    name_or_path: str,
    sha256: str,
    device: str | torch.device | None,
    dtype: str | torch.dtype | None,
    folder: str | PathLike[str] | None,
    refined: bool,
) -> SamModel:
    """Load a model that was pickled, in another process or on another machine.

    Parameters
    ----------
    sha256
        Of the weights that it had, in hexadecimal.
    name_or_path, device, dtype, folder, refined
        As for `load_model`.

    Raises
    ------
    CheckpointError
        If the weights here are others; else as `load_model`.
    """
    model = load_model(
        name_or_path, device=device, dtype=dtype, folder=folder, refined=refined
    )
    if model.weights_sha256 != sha256:
        raise CheckpointError(
            f"the weights of {name_or_path} have the sha256 {model.weights_sha256} on "
            f"this machine; expected {sha256}, as where the model was sent from; use "
            "the same file on both"
        )
    return model


def find_weights(
    name_or_path: str | PathLike[str],
    *,
    folder: str | PathLike[str] | None = None,
    may_download: bool = False,
    must_read: bool = False,
) -> WeightsFile:
    """Return the weights file that a name or a path stands for, checked if named.

    Parameters
    ----------
    name_or_path, folder
        As for `load_model`.
    may_download
        Whether the weights may come from the network.
    must_read
        Compute the digest of the file even if it has been checked before.

    Raises
    ------
    UnknownModelError, DownloadError, CheckpointError
        As for `load_model`; CheckpointError also if the weights of a named model are
        not here and must not be downloaded.
    """
    text = fspath(name_or_path)
    path = Path(text).expanduser()
    if text and text not in REGISTRY and _exists(path):
        return _unnamed_file(path)
    entry = find_entry(text)
    path = _local_or_fetched(entry, folder=folder, may_download=may_download)
    is_ours = path.parent == cache_folder()
    with _readable(path):
        sha256 = check_file(path, entry, is_ours=is_ours, must_read=must_read)
    return WeightsFile(path, entry.name, entry.architecture, sha256)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # for instance a name too long for the file system
        return False


def _unnamed_file(path: Path) -> WeightsFile:
    if path.is_dir():
        raise CheckpointError(
            f"{path} is a folder; expected a weights file; give the path of one in it"
        )
    with _readable(path):
        sha256 = hash_file(path, "sha256")["sha256"].value
    return WeightsFile(path, path.name, None, sha256)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say which weights file could not be read while the block ran."""
    try:
        yield
    except TilesamError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {error.strerror or error}; expected a weights "
            "file; check its permissions and the disk"
        ) from error


def _local_or_fetched(
    entry: ModelEntry, *, folder: str | PathLike[str] | None, may_download: bool
) -> Path:
    if entry.is_embedded:
        return embedded_file(entry)
    found = find_local(entry, Path(folder) if folder is not None else None)
    is_in_cache = found is not None and found.parent == cache_folder()
    if found is not None and (not may_download or not is_in_cache):
        return found
    if not may_download:
        raise CheckpointError(
            f"{entry.name} is not on this machine; run `napari-sam models fetch "
            f"{entry.name}`"
        )
    # Also replaces what is in the cache and damaged.
    return fetch(entry, progress=_log_progress(entry))


def _log_progress(entry: ModelEntry) -> Progress:
    reported = 0

    def report(done: int, total: int | None) -> None:
        nonlocal reported
        tenths = 10 * done // (total or entry.likely_bytes or done or 1)
        if tenths > reported:
            reported = tenths
            logger.info("%s: %d of 10 parts fetched", entry.name, min(tenths, 10))

    return report


def load_network(
    path: Path,
    *,
    architecture: str | None = None,
    configs: Mapping[str, SamConfig] = CONFIGS,
) -> Sam:
    """Return the network of a weights file, complete, on the CPU in float32.

    Parameters
    ----------
    path
        A file in one of the formats of `read_tensors`.
    architecture
        What it must be; None accepts any of `configs`.
    configs
        The architectures that come into question.

    Raises
    ------
    CheckpointError
        If the file cannot be read, or if its keys, sizes or values are not those of
        such a network; nothing is loaded then.
    """
    content = with_released_names(read_tensors(path))
    config = detect_config(content, configs)
    if architecture not in (None, config.name):
        raise CheckpointError(
            f"{path} holds the architecture {config.name}; expected {architecture}; "
            "give the right file, or load it by its path"
        )
    network = build_sam(config)
    check_fits(content, network)
    network.load_state_dict(content.tensors, strict=True)
    return network.eval()
