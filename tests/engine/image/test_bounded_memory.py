from __future__ import annotations

import numpy as np
import pytest

from tilesam import Window
from tilesam.image import open_image

LARGEST_BLOCK = 2**21


class Endless:
    """A large image that exists only where it is looked at."""

    def __init__(self, shape, chunks=None):
        self.shape, self.dtype, self.sizes = shape, np.dtype(np.uint8), []
        if chunks is not None:
            self.chunks = chunks

    def __getitem__(self, key):
        lengths = [len(range(*part.indices(10**9))) for part in key]
        self.sizes.append(np.prod(lengths))
        return np.full(lengths, 9, self.dtype)


@pytest.mark.parametrize("shape", [(3000, 5000), (20, 700_000), (700_000, 20)])
def test_shrinking_without_a_pyramid_reads_once_and_in_strips(shape):
    image = Endless(shape)
    source = open_image(image, contrast_limits=(0, 255))
    out_hw = tuple(max(1, side // 100) for side in shape)
    assert (source.read_resampled(Window(0, 0, *shape), out_hw) == 9).all()
    assert max(image.sizes) <= LARGEST_BLOCK
    assert sum(image.sizes) == np.prod(shape)


def test_no_chunk_is_decoded_twice_even_without_a_cache():
    image = Endless((3000, 5000), chunks=(300, 500))
    source = open_image(image, contrast_limits=(0, 255), cache_bytes=0)
    source.read_resampled(Window(0, 0, 3000, 5000), (300, 500))
    assert len(image.sizes) == 100
    assert max(image.sizes) == 300 * 500


def test_only_the_pixels_of_a_window_are_read(record):
    array = record(np.zeros((300, 400, 3), np.uint8))
    source = open_image(array)
    source.read_window(Window(10, 20, 30, 40))
    source.read_resampled(Window(10, 20, 30, 40), (15, 20))
    assert array.touched().sum() == 30 * 40 * 3
    assert array.sizes() == [30 * 40 * 3] * 2


def test_only_the_shown_channels_are_read(record):
    array = record(np.zeros((9, 300, 400), np.uint8))
    source = open_image(
        array, channel_axis=0, channels=(4, 3), contrast_limits=(0, 255)
    )
    source.read_window(Window(10, 20, 30, 40))
    assert array.sizes() == [30 * 40 * 2]


def test_only_the_chunks_of_a_window_are_read(record):
    array = record(np.zeros((300, 400), np.uint8), chunks=(50, 100))
    source = open_image(array, contrast_limits=(0, 255))
    source.read_window(Window(60, 120, 30, 100))
    touched = array.touched()
    assert touched[50:100, 100:300].all()
    assert touched.sum() == 50 * 200
    assert len(array.keys) == 2


def test_of_a_dask_block_too_large_to_keep_only_the_window_is_read(record):
    da = pytest.importorskip("dask.array")
    array = record(np.zeros((300, 400, 3), np.uint8))
    lazy = da.from_array(array, chunks=-1, meta=np.empty((0, 0, 0), np.uint8))
    array.keys.clear()
    source = open_image(lazy, cache_bytes=100_000)
    source.read_window(Window(10, 20, 30, 40))
    assert array.sizes() == [30 * 40 * 3]
