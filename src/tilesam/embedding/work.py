"""Embed one tile: read, compare with the store, encode, write.

`embed_tile` depends on its arguments alone, so that it can run anywhere; a local run
takes the same steps in several threads.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import torch

from tilesam.embedding.background import is_background
from tilesam.embedding.job import EmbeddingJob, ReadTile, TileOutcome
from tilesam.errors import EmbeddingError
from tilesam.model.preprocessing import resized_hw
from tilesam.store.tile import StoredTile, hash_pixels
from tilesam.torch_threads import limited_torch_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tilesam.embedding.job import Status
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.tiling import Grid
    from tilesam.types import TileKey, UInt8Array


def embed_tile(
    key: TileKey,
    grid: Grid,
    source: ImageSource,
    store: EmbeddingStore,
    model: SamModel,
    *,
    skip_background: bool = False,
    replace_changed: bool = False,
    torch_threads: int | None = None,
) -> TileOutcome:
    """Embed a tile and store it, unless the store has it already.

    Parameters
    ----------
    key
        The tile.
    grid, source, store, model, skip_background, replace_changed, torch_threads
        See `tilesam.embedding.job.EmbeddingJob`.

    Raises
    ------
    TilingError
        If there is no such tile.
    ImageReadError
        If the image cannot be read there.
    EmbeddingError
        If the store has it from other pixels and `replace_changed` is not set, or if
        float16 cannot hold the embedding.
    DeviceError
        If the device has not enough memory.
    StoreError
        If it cannot be written.

    Notes
    -----
    On one kind of processor and with one number of `torch_threads` the stored values
    are the same to the last bit whenever and wherever a tile is embedded. Another
    number of threads changes the order in which the network's sums are taken, and with
    it the last digits.
    """
    job = EmbeddingJob(
        *(grid, source, store, model),
        skip_background=skip_background,
        replace_changed=replace_changed,
        torch_threads=torch_threads,
    )
    read = read_tile(key, job)
    encoded, seconds = encode_tiles([read], job)
    return write_tile(read, encoded[0], seconds, job)


class LookedUp(NamedTuple):
    """The pixels of a tile, and what the store has of it.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, as the model sees them.
    pixels_hash
        See `tilesam.store.hash_pixels`.
    stored
        None if the store has nothing of this tile, or nothing that is whole.
    """

    pixels: UInt8Array
    pixels_hash: str
    stored: StoredTile | None

    @property
    def is_valid(self) -> bool:
        """Whether the store has an embedding of these very pixels."""
        return self.stored is not None and self.stored.pixels_hash == self.pixels_hash


def read_pixels(key: TileKey, job: EmbeddingJob) -> tuple[UInt8Array, str]:
    """Return the pixels of a tile as the model sees them, and their hash."""
    window = job.grid.window(key)
    out_hw = resized_hw((window.height, window.width), job.model.input_size)
    pixels = job.source.read_resampled(window, out_hw)
    return pixels, hash_pixels(pixels)


def look_up(key: TileKey, job: EmbeddingJob) -> LookedUp:
    """Read the pixels of a tile, and its embedding if there is one."""
    return LookedUp(*read_pixels(key, job), read_stored(key, job))


def read_stored(key: TileKey, job: EmbeddingJob) -> StoredTile | None:
    """Return what the store has of a tile, whichever pixels it was made from."""
    return job.store.read(key) if key in job.store else None


def read_tile(key: TileKey, job: EmbeddingJob) -> ReadTile:
    """Read the pixels of a tile and find out whether it has to be encoded."""
    start = time.perf_counter()
    found = look_up(key, job)
    status: Status = "embedded"
    if found.is_valid:
        status = "present"
    elif found.stored is not None and not job.replace_changed:
        raise _changed(key)
    elif is_left_out(key, found.pixels, job):
        status = "skipped"
    return ReadTile(
        key=key,
        pixels=found.pixels if status == "embedded" else None,
        pixels_hash=found.pixels_hash,
        status=status,
        seconds=time.perf_counter() - start,
    )


def is_left_out(key: TileKey, pixels: UInt8Array, job: EmbeddingJob) -> bool:
    """Return whether a tile is background, if that is to be left out."""
    return job.skip_background and is_background(
        pixels, job.source.valid_fraction(job.grid.window(key))
    )


def encode_tiles(
    tiles: Sequence[ReadTile], job: EmbeddingJob
) -> tuple[list[StoredTile | None], float]:
    """Encode tiles, those together that have to be encoded.

    Returns
    -------
    list of StoredTile or None
        One for each tile, None where there is nothing to encode.
    float
        Seconds per encoded tile.
    """
    pixels = [tile.pixels for tile in tiles if tile.pixels is not None]
    if not pixels:
        return [None] * len(tiles), 0.0
    start = time.perf_counter()
    embeddings = iter(encode_pixels(pixels, job))
    seconds = (time.perf_counter() - start) / len(pixels)
    stored = [
        None if tile.pixels is None else StoredTile(next(embeddings), tile.pixels_hash)
        for tile in tiles
    ]
    return stored, seconds


def encode_pixels(
    pixels: Sequence[UInt8Array], job: EmbeddingJob
) -> NDArray[np.float16]:
    """Return the embeddings of windows, (B, 256, g, g).

    Raises
    ------
    EmbeddingError
        If float16 cannot hold them.
    """
    with limited_torch_threads(job.torch_threads):
        half = job.model.embed(pixels).to(torch.float16)
        is_finite = bool(torch.isfinite(half).all())
        embeddings: NDArray[np.float16] = half.cpu().numpy()
    if not is_finite:
        raise _not_finite(job)
    return embeddings


def write_tile(
    tile: ReadTile,
    encoded: StoredTile | None,
    seconds_encoding: float,
    job: EmbeddingJob,
) -> TileOutcome:
    """Store what was encoded, unless another process was faster."""
    if encoded is None:
        return TileOutcome(tile.key, tile.status, seconds_reading=tile.seconds)
    start = time.perf_counter()
    was_slower = _is_stored(tile, job)
    if not was_slower:
        job.store.write(tile.key, encoded)
    return TileOutcome(
        tile.key,
        "present" if was_slower else "embedded",
        nbytes=0 if was_slower else encoded.embedding.nbytes,
        seconds_reading=tile.seconds,
        seconds_encoding=seconds_encoding,
        seconds_writing=time.perf_counter() - start,
    )


def read_again_if_stored(tile: ReadTile, job: EmbeddingJob) -> ReadTile:
    """Return a tile as it is now, if another process stored it after it was read."""
    is_stored = tile.pixels is not None and _is_stored(tile, job)
    return read_tile(tile.key, job) if is_stored else tile


def _is_stored(tile: ReadTile, job: EmbeddingJob) -> bool:
    """Return whether the store has a tile from the pixels that were read."""
    stored = read_stored(tile.key, job)
    return stored is not None and stored.pixels_hash == tile.pixels_hash


def _changed(key: TileKey) -> EmbeddingError:
    return EmbeddingError(
        f"the store holds {key} from other pixels than the image has there now; the "
        "image was changed; use another store, or have such tiles replaced "
        "(replace_changed, --replace-changed)"
    )


def _not_finite(job: EmbeddingJob) -> EmbeddingError:
    return EmbeddingError(
        f"{job.model.name} gave values that are not finite numbers of float16 in "
        f"{job.model.dtype} on {job.model.device}; load it with dtype='float32' or "
        "another device, or check its weights"
    )
