from __future__ import annotations

import time

import numpy as np
import pytest

from tilesam.image import open_image

SIDE = 100_000


class Counting:
    """A huge image in chunks: a ramp from left to right, made where it is looked at."""

    def __init__(self, shape, chunks, dtype=np.uint16):
        self.shape, self.chunks, self.dtype = shape, chunks, np.dtype(dtype)
        self.parts = []

    def __getitem__(self, key):
        rows, columns = (np.arange(*part.indices(10**9)) for part in key)
        self.parts.append((len(rows), len(columns)))
        ramp = columns * (60_000 / self.shape[1])
        return np.broadcast_to(ramp.astype(self.dtype), (len(rows), len(columns)))


@pytest.mark.parametrize(
    ("chunks", "most"),
    [
        ((2048, 2048), 16),
        ((256, 256), 256),
        ((1, SIDE), 256),
        ((SIDE, 16), 42),
        ((8192, 8192), 9),
    ],
)
def test_few_chunks_are_decoded_where_they_are_large(chunks, most):
    image = Counting((SIDE, SIDE), chunks)
    ((low, high),) = open_image(image).normalization.limits
    assert len(image.parts) <= most
    assert 0 <= low < 13_000
    assert 47_000 < high <= 60_000


def test_a_huge_lazy_image_opens_at_once_and_samples_all_over():
    da = pytest.importorskip("dask.array")
    made = []

    def make(block_info):
        (y0, y1), (x0, x1) = block_info[None]["array-location"]
        made.append((y0, x0))
        return np.full((y1 - y0, x1 - x0), y0 // 100 + x0 // 100, np.uint16)

    chunks = da.core.normalize_chunks(2048, (SIDE, SIDE))
    image = da.map_blocks(
        make, dtype=np.uint16, chunks=chunks, meta=np.empty((0, 0), "u2")
    )
    begun = time.process_time()
    ((low, high),) = open_image(image).normalization.limits
    assert time.process_time() - begun < 2
    assert len(set(made)) <= 16
    assert low < 500
    assert high > 1500


def test_a_huge_lazy_image_in_huge_blocks_is_not_computed_over_and_over():
    da = pytest.importorskip("dask.array")
    made = []

    def make(block_info):
        (y0, y1), (x0, x1) = block_info[None]["array-location"]
        made.append((y0, x0))
        return np.broadcast_to(np.uint16(y0 // 10 + x0 // 10), (y1 - y0, x1 - x0))

    chunks = da.core.normalize_chunks(20_000, (SIDE, SIDE))
    image = da.map_blocks(
        make, dtype=np.uint16, chunks=chunks, meta=np.empty((0, 0), "u2")
    )
    open_image(image)
    assert len(made) <= 9


def test_every_pixel_of_a_small_image_counts_whatever_its_chunks(record):
    image = np.random.default_rng(0).normal(size=(200, 300))
    expected = open_image(image).normalization
    assert open_image(record(image, (64, 64))).normalization == expected
    assert open_image(record(image, (7, 300))).normalization == expected


def test_the_coarsest_level_with_enough_pixels_is_sampled(record):
    levels = [record(np.full((n, n), n, np.uint16)) for n in (2048, 1024, 512, 256)]
    ((low, high),) = open_image(levels).normalization.limits
    assert (low, high) == (512, 513)
    assert [len(level.keys) for level in levels] == [0, 0, 1, 0]


def test_the_limits_are_the_same_at_every_opening():
    image = np.random.default_rng(0).normal(size=(3000, 2000))
    assert open_image(image).normalization == open_image(image).normalization
