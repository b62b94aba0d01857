"""The large samples are drawn chunk by chunk, seamless and always the same."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.testing import assert_array_equal

from napari_sam.files import sample_data
from napari_sam.files.large_samples import aerial_levels, slide_levels
from napari_sam.files.large_samples.aerial import Aerial
from napari_sam.files.large_samples.countryside import bent, straightened
from napari_sam.files.large_samples.drawn_level import CHUNK, DrawnLevel
from napari_sam.files.large_samples.slide import Slide
from tilesam.image import open_image
from tilesam.image.chunk_cache import ChunkCache
from tilesam.types import Window

SCENES = {"slide": Slide(), "aerial": Aerial()}
CENTRES = {"slide": (15_200, 20_100), "aerial": (16_900, 6_900)}
"""With a gland; with houses, a road and a wood."""


@pytest.fixture(params=SCENES)
def name(request):
    return request.param


@pytest.fixture
def scene(name):
    return SCENES[name]


def around(name, level, side):
    y, x = CENTRES[name]
    return level, (y >> level) - side // 2, (x >> level) - side // 2, (side, side)


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
def test_parts_fit_together_without_a_seam(name, scene, level):
    _, y, x, _ = around(name, level, 240)
    whole = scene.draw(level, y, x, (240, 240))
    parts = [
        [scene.draw(level, y + 97 * i, x + 130 * j, (97 + 46 * i, 130 - 20 * j))
         for j in (0, 1)]
        for i in (0, 1)
    ]  # fmt: skip
    joined = np.concatenate([np.concatenate(row, axis=1) for row in parts])
    difference = np.abs(joined.astype(int) - whole)
    # Sums of many numbers depend in their last digit on how many are summed.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 1e-3


def test_it_is_the_same_in_every_process(name, scene):
    again = pickle.loads(pickle.dumps(scene))
    part = around(name, 1, 64)
    assert_array_equal(again.draw(*part), scene.draw(*part))


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_coarser_level_shows_the_same(name, scene, level):
    side = 1024 >> level
    coarse = scene.draw(*around(name, level, side)).astype(np.float64)
    fine = scene.draw(*around(name, 0, side << level)).astype(np.float64)
    shrunk = fine.reshape(side, 1 << level, side, 1 << level, 3).mean(axis=(1, 3))
    # The colour of patches, not the place of each leaf.
    blocks = [im.reshape(8, side // 8, 8, side // 8, 3).mean(axis=(1, 3))
              for im in (coarse, shrunk)]  # fmt: skip
    assert np.abs(blocks[0] - blocks[1]).mean() < 9
    assert np.abs(coarse.mean(axis=(0, 1)) - shrunk.mean(axis=(0, 1))).max() < 9


def test_it_is_a_picture_and_no_noise(name, scene):
    part = scene.draw(*around(name, 0, 512)).astype(np.float64)
    assert part.std(axis=(0, 1)).min() > 15
    smooth = np.abs(np.diff(part, axis=1)).mean()
    assert smooth < part.std() / 2


def test_levels_halve_until_they_are_small(name):
    levels = slide_levels() if name == "slide" else aerial_levels()
    assert levels[0].shape[:2] == SCENES[name].hw
    assert max(levels[-1].shape) <= 1024
    for finer, level in pairwise(levels):
        assert level.shape == (-(-finer.shape[0] // 2), -(-finer.shape[1] // 2), 3)


class Numbered:
    """A scene whose pixels say where they are."""

    hw = (1200, 1300)

    def __init__(self):
        self.drawn = []

    def draw(self, level, y0, x0, shape):
        self.drawn.append((level, y0, x0, shape))
        y, x = np.mgrid[y0 : y0 + shape[0], x0 : x0 + shape[1]]
        return np.stack([y % 251, x % 251, (y + x) % 251], axis=-1).astype(np.uint8)


@pytest.fixture
def numbered():
    scene = Numbered()
    return scene, DrawnLevel(scene, 0, ChunkCache(2**24))


@pytest.mark.parametrize(
    "key",
    [
        np.s_[500:530, 1000:1100],
        np.s_[5, 7],
        np.s_[-1, ::100],
        np.s_[::-300, 3:3],
        np.s_[..., 0],
        np.s_[100:900:50, -5:, 1:],
        np.s_[600],
        np.s_[20:10, :5],
    ],
)
def test_it_is_indexed_like_an_array(numbered, key):
    scene, level = numbered
    assert_array_equal(level[key], scene.draw(0, 0, 0, scene.hw)[key])


def test_as_a_whole_it_is_an_array(numbered):
    scene, level = numbered
    assert_array_equal(np.asarray(level), scene.draw(0, 0, 0, scene.hw))
    assert level.size == 1200 * 1300 * 3
    assert len(level) == 1200


def test_only_chunks_that_are_looked_at_are_drawn_and_once(numbered):
    scene, level = numbered
    for _ in range(2):
        level[500:530, 100:200]
    assert scene.drawn == [
        (0, 0, 0, (CHUNK, CHUNK)),
        (0, CHUNK, 0, (CHUNK, CHUNK)),
    ]


@pytest.mark.parametrize("key", [np.s_[0, 0, 0, 0], np.s_[1200], np.s_[0, 5000]])
def test_what_is_not_there_is_an_index_error(numbered, key):
    with pytest.raises(IndexError):
        numbered[1][key]


def test_copies_draw_the_same(name):
    level = (slide_levels() if name == "slide" else aerial_levels())[2]
    assert copy.deepcopy(level) is level
    again = pickle.loads(pickle.dumps(level))
    assert_array_equal(again[3000:3010, 3000:3010], level[3000:3010, 3000:3010])


def test_memory_follows_what_is_looked_at(name):
    levels = slide_levels() if name == "slide" else aerial_levels()
    # Textures and stamps are made once for all.
    levels[0][:16, :16]
    levels[3][1000:1016, 1000:1016]
    tracemalloc.start()
    try:
        levels[0][9000:9400, 9000:9400]
        levels[3][1000:1400, 1000:1400]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150e6


@pytest.mark.parametrize(
    ("sample", "unit", "size"),
    [("large_slide", "micrometer", 0.25), ("large_aerial_scene", "meter", 0.2)],
)
def test_the_sample_is_a_multiscale_layer_with_a_scale(sample, unit, size):
    (layer_data,) = getattr(sample_data, sample)()
    layer = Layer.create(*layer_data)
    assert layer.multiscale
    assert layer.rgb
    assert tuple(layer.scale) == (size, size)
    assert str(layer.units[0]) == unit
    ViewerModel().add_layer(layer)


def test_the_engine_reads_its_levels(name):
    levels = slide_levels() if name == "slide" else aerial_levels()
    source = open_image(levels, channel_axis=2)
    y, x = CENTRES[name]
    window = source.read_window(Window(y, x, 64, 64))
    assert_array_equal(window, levels[0][y : y + 64, x : x + 64])
    coarse = source.read_resampled(Window(0, 0, *source.hw), (40, 40))
    assert coarse.std() > 5


def test_straightened_roads_are_bent_back():
    y, x = np.random.default_rng(0).uniform(0, 20_000, (2, 200))
    assert np.abs(np.array(bent(*straightened(y, x))) - (y, x)).max() < 0.05
