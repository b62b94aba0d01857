from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam import ImageReadError, Window
from tilesam.image import open_image

LIMITS = (0, 255)


def chunk_sizes(draw, length):
    """Draw how an axis is cut: evenly, as zarr does, or unevenly, as dask may."""
    if draw(st.booleans()):
        return draw(st.integers(1, length + 3))
    cuts = draw(st.sets(st.integers(1, length - 1), max_size=4)) if length > 1 else ()
    return tuple(np.diff([0, *sorted(cuts), length]).tolist())


@given(st.data())
def test_windows_do_not_depend_on_how_an_image_is_cut_into_chunks(record, data):
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    chunks = tuple(chunk_sizes(data.draw, length) for length in image.shape)
    source = open_image(record(image, chunks), cache_bytes=data.draw(st.just(500)))
    for _ in range(3):
        y0 = data.draw(st.integers(0, shape[0] - 1))
        x0 = data.draw(st.integers(0, shape[1] - 1))
        height = data.draw(st.integers(1, shape[0] - y0))
        width = data.draw(st.integers(1, shape[1] - x0))
        seen = source.read_window(Window(y0, x0, height, width))
        assert_array_equal(seen, image[y0 : y0 + height, x0 : x0 + width])


def test_chunks_are_read_once_while_they_are_kept(record):
    array = record(np.zeros((100, 100, 3), np.uint8), chunks=(50, 50, 3))
    source = open_image(array)
    for x0 in (40, 45, 50):
        source.read_window(Window(40, x0, 20, 20))
    assert len(array.keys) == 4


def test_the_cache_is_bounded(record):
    array = record(np.zeros((400, 400, 3), np.uint8), chunks=(50, 50, 3))
    source = open_image(array, cache_bytes=5 * 7500)
    source.read_window(Window(0, 0, 400, 400))
    cache = source.levels[0].plane._cache
    assert cache.nbytes <= 5 * 7500


def test_of_chunks_with_many_channels_and_planes_only_what_is_shown_is_kept(record):
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 64, 64), np.uint8)
    array = record(image, chunks=(4, 6, 32, 32))
    source = open_image(array, plane=3, channel_axis=1, channels=(4, 1, 2))
    seen = source.read_window(Window(0, 0, 64, 64))
    assert_array_equal(seen, np.moveaxis(image[3, [4, 1, 2]], 0, -1))
    assert source.levels[0].plane._cache.nbytes == 64 * 64 * 4


def test_nobody_can_write_into_what_others_will_see(record):
    array = record(np.zeros((50, 50, 3), np.uint8), chunks=(50, 50, 3))
    seen = open_image(array).read_window(Window(0, 0, 20, 20))
    with pytest.raises(ValueError, match="read-only"):
        seen[0, 0, 0] = 1


@pytest.mark.parametrize("failures", [1, 2])
def test_a_read_is_tried_three_times(record, failures, caplog):
    image = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    array = record(image, chunks=(50, 50, 3))
    source, array.failures = open_image(array), failures
    with caplog.at_level(logging.INFO):
        assert_array_equal(source.read_window(Window(0, 0, 50, 50)), image)
    assert caplog.text.count("trying again") == failures


def test_after_three_failures_the_chunk_is_named_and_can_be_asked_for_again(record):
    image = np.zeros((2, 3, 100, 200), np.uint8)
    array = record(image, chunks=(1, 1, 50, 50))
    options = {"plane": 1, "channel_axis": 1, "channels": 1}
    source = open_image(array, **options, contrast_limits=LIMITS)
    array.failures = 3
    with pytest.raises(ImageReadError) as caught:
        source.read_window(Window(60, 110, 5, 5))
    message = str(caught.value)
    assert "the image: level 0, chunk (1, 1, 1, 2) cannot be read" in message
    assert "the line is dead" in message
    assert "\n" not in message
    source.read_window(Window(60, 110, 5, 5))


def test_the_level_of_a_bad_chunk_is_named(record):
    coarse = record(np.zeros((50, 50, 3), np.uint8), chunks=(50, 50, 3))
    source = open_image([np.zeros((100, 100, 3), np.uint8), coarse])
    coarse.failures = 3
    with pytest.raises(ImageReadError, match=r"level 1, chunk \(0, 0, 0\)"):
        source.read_resampled(Window(0, 0, 100, 100), (50, 50))


def test_memory_errors_are_not_taken_for_bad_files():
    class TooLarge:
        shape, dtype, chunks = (50, 50, 3), np.dtype(np.uint8), (50, 50, 3)

        def __getitem__(self, key):
            raise MemoryError

    with pytest.raises(MemoryError):
        open_image(TooLarge()).read_window(Window(0, 0, 5, 5))


def test_many_threads_see_the_same_image(record):
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    source = open_image(record(image, chunks=(30, 30, 2)), cache_bytes=20_000)
    windows = [
        Window(y, x, 70, 60) for y in range(0, 130, 13) for x in range(0, 140, 9)
    ]
    with ThreadPoolExecutor(8) as pool:
        for window, seen in zip(
            windows, pool.map(source.read_window, windows), strict=True
        ):
            y, x = window.y0, window.x0
            assert_array_equal(seen, image[y : y + 70, x : x + 60])
