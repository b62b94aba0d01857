"""Segment everything in one tile: read, encode if need be, decode, write.

`segment_tile` depends on its arguments alone, so that it can run anywhere; a local run
takes the same steps in several threads.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tilesam.embedding.on_demand import to_tensor
from tilesam.embedding.work import (
    encode_pixels,
    is_left_out,
    read_pixels,
    read_stored,
)
from tilesam.everything.decode import decode_tile
from tilesam.everything.job import DecodedTile, ReadTile, TileResult
from tilesam.store import StoredTile
from tilesam.torch_threads import limited_torch_threads

if TYPE_CHECKING:
    from tilesam.embedding.parcel import Parcel
    from tilesam.everything.job import EverythingJob
    from tilesam.types import TileKey


def segment_tile(key: TileKey, job: EverythingJob) -> TileResult:
    """Find all masks of a tile and store them, unless they are stored already.

    Parameters
    ----------
    key
        The tile.
    job
        What it has in common with others.

    Raises
    ------
    TilingError
        If there is no such tile.
    ImageReadError
        If the image cannot be read there.
    EmbeddingError
        If float16 cannot hold the embedding.
    DeviceError
        If the device has not enough memory.
    StoreError
        If masks or a new embedding cannot be written.

    Notes
    -----
    Embeddings pass through float16, so that masks do not depend on whether one was
    found in the store. On one kind of processor and with one number of threads they are
    the same whenever and wherever a tile is segmented.
    """
    return write_decoded(decode_read(read_tile(key, job), job), job)


def segment_parcel(key: TileKey, parcel: Parcel[EverythingJob]) -> TileResult:
    """Segment a tile of a job, on a worker."""
    return segment_tile(key, parcel.open())


def read_tile(key: TileKey, job: EverythingJob) -> ReadTile:
    """Read the pixels of a tile, and of what is stored all that spares work."""
    start = time.perf_counter()
    pixels, pixels_hash = read_pixels(key, job.embedding)
    found = _present(key, pixels_hash, job)
    if found is None and is_left_out(key, pixels, job.embedding):
        found = ReadTile(key, "skipped", pixels_hash)
    if found is None:
        stored = read_stored(key, job.embedding)
        is_valid = stored is not None and stored.pixels_hash == pixels_hash
        found = ReadTile(
            *(key, "decoded", pixels_hash),
            pixels=None if is_valid else pixels,
            stored=stored if is_valid else None,
            is_changed=stored is not None and not is_valid,
        )
    return replace(found, seconds=time.perf_counter() - start)


def _present(key: TileKey, pixels_hash: str, job: EverythingJob) -> ReadTile | None:
    """Return a tile whose masks are stored, from the pixels that were read."""
    summary = job.masks.summary(key)
    if summary is None or summary.pixels_hash != pixels_hash:
        return None
    return ReadTile(key, "present", pixels_hash, masks=summary.count)


def decode_read(tile: ReadTile, job: EverythingJob) -> DecodedTile:
    """Return what the network finds in a tile that was read."""
    if tile.status != "decoded":
        return DecodedTile(tile)
    # Another process may have been faster since it was read.
    done_by_others = _present(tile.key, tile.pixels_hash, job)
    if done_by_others is not None:
        return DecodedTile(replace(done_by_others, seconds=tile.seconds))
    start = time.perf_counter()
    new = _encode(tile, job)
    between = time.perf_counter()
    embedding = to_tensor(new or _require_stored(tile), job.embedding)
    with limited_torch_threads(job.embedding.torch_threads):
        masks = decode_tile(
            *(embedding, tile.key, job.embedding.grid, job.embedding.model),
            job.settings,
            before_batch=job.before_batch,
        )
    return DecodedTile(
        *(tile, masks, new),
        seconds_encoding=0.0 if new is None else between - start,
        seconds_decoding=time.perf_counter() - between,
    )


def _encode(tile: ReadTile, job: EverythingJob) -> StoredTile | None:
    if tile.pixels is None:
        return None
    embedding = encode_pixels([tile.pixels], job.embedding)[0]
    return StoredTile(embedding, tile.pixels_hash)


def _require_stored(tile: ReadTile) -> StoredTile:
    if tile.stored is None:
        raise ValueError(f"{tile.key} has neither pixels nor an embedding")
    return tile.stored


def write_decoded(tile: DecodedTile, job: EverythingJob) -> TileResult:
    """Store what was found, unless another process was faster.

    The masks come last, since with them the tile is done.
    """
    start = time.perf_counter()
    read, masks = tile.read, tile.masks
    if tile.embedding is not None and _is_kept(read, job):
        job.embedding.store.write(read.key, tile.embedding)
    there = _present(read.key, read.pixels_hash, job)
    was_slower = masks is not None and there is not None
    if masks is not None and not was_slower:
        job.masks.write(read.key, masks, read.pixels_hash)
    return TileResult(
        read.key,
        "present" if was_slower else read.status,
        masks=read.masks if masks is None else len(masks),
        embedded=tile.embedding is not None,
        is_changed=read.is_changed,
        seconds_reading=read.seconds,
        seconds_encoding=tile.seconds_encoding,
        seconds_decoding=tile.seconds_decoding,
        seconds_writing=time.perf_counter() - start,
    )


def _is_kept(tile: ReadTile, job: EverythingJob) -> bool:
    """Return whether a new embedding goes into the store.

    Without being told it does not take the place of another one: the store may be right
    and the image the wrong one.
    """
    can_stay = not tile.is_changed or job.embedding.replace_changed
    return job.embedding.store.is_writable and can_stay
