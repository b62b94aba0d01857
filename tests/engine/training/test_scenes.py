from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tilesam.training.scenes import SCENES, render_scene
from tilesam.training.scenes.canvas import SUBPART, Canvas
from tilesam.training.scenes.outlines import box, capsule
from tilesam.training.scenes.placement import scatter
from tilesam.training.scenes.textures import grain, illumination, smooth_noise

KINDS = sorted(SCENES)


def render(kind: str, seed: int, size: int = 96):
    return render_scene(kind, size=size, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_scene_has_nested_objects(kind, seed):
    sample = render(kind, seed)
    assert sample.image.shape == (96, 96, 3)
    assert sample.image.dtype == np.uint8
    assert sample.image.std() > 1
    assert sample.image.flags.writeable  # torch warns of what is not
    assert sample.domain == f"scene_{kind}"
    layers = sample.label_layers
    assert layers.dtype == np.int32
    assert 1 <= len(layers) <= 3
    for layer in layers:
        ids = np.unique(layer[layer > 0])
        np.testing.assert_array_equal(ids, np.arange(1, len(ids) + 1))
        assert len(ids)
    for outer, inner in pairwise(layers):
        for part in np.unique(inner[inner > 0]):
            owners = np.unique(outer[inner == part])
            assert len(owners) == 1
            assert owners[0] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_scene_is_made_by_its_seed(kind):
    first, again, other = render(kind, 7), render(kind, 7), render(kind, 8)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.label_layers, again.label_layers)
    assert (first.image != other.image).any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_parts(kind):
    depths = [len(render(kind, seed).label_layers) for seed in range(12)]
    assert max(depths) >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_wholes_can_be_told_from_the_ground(kind):
    """Labels lie on something: image edges are stronger along their borders."""
    ratios = []
    for seed in range(6):
        sample = render(kind, seed)
        whole = sample.label_layers[0]
        grey = sample.image.astype(float)
        steps = np.abs(np.diff(grey, axis=1)).sum(axis=-1)
        border = np.diff(whole, axis=1) != 0
        ratios.append(steps[border].mean() / max(steps[~border].mean(), 0.5))
    assert np.median(ratios) > 1.3


def test_small_scenes_are_refused():
    with pytest.raises(ValueError, match="size is 16"):
        render("rods", 0, size=16)


def test_unknown_kind():
    with pytest.raises(KeyError):
        render("unicorns", 0)


def square(canvas: Canvas, y: float, x: float, half: float):
    return box(canvas.shape, (y, x), half_length=half, half_width=half, angle=0.0)


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(np.zeros((40, 40, 1), dtype=np.float32))


def test_what_is_in_front_hides_whole_and_parts(canvas):
    back = canvas.add_whole(square(canvas, 15, 15, 10))
    canvas.add_part(square(canvas, 15, 15, 6), parent=back)
    canvas.add_whole(square(canvas, 20, 20, 8))
    layers = canvas.nested_layers()
    assert len(layers) == 2
    assert (layers[0][12:29, 12:29] == 2).all()
    assert not layers[1][12:29, 12:29].any()
    assert (layers[1][9:12, 9:22] == 1).all()
    assert layers[0][5, 5] == 1


def test_parts_are_clipped_to_their_parent(canvas):
    whole = canvas.add_whole(square(canvas, 20, 20, 8))
    part = canvas.add_part(square(canvas, 12, 20, 6), parent=whole)
    assert part
    rows = np.flatnonzero((canvas.layers[1] == part).any(axis=1))
    assert (rows[0], rows[-1]) == (12, 18)


def test_part_of_nothing_is_not_added(canvas):
    whole = canvas.add_whole(square(canvas, 8, 8, 5))
    assert canvas.add_part(square(canvas, 30, 30, 5), parent=whole) == 0
    assert canvas.add_part(square(canvas, 8, 8, 3), parent=0) == 0
    assert not canvas.layers[1].any()


def test_specks_are_dropped_with_their_parts(canvas):
    back = canvas.add_whole(square(canvas, 20, 20, 4))
    part = canvas.add_part(square(canvas, 20, 20, 3), parent=back)
    canvas.add_part(square(canvas, 20, 20, 2), parent=part, layer=SUBPART)
    canvas.add_whole(square(canvas, 21, 20, 4))
    # One row of nine pixels is left of the first object.
    layers = canvas.nested_layers()
    assert len(layers) == 1
    assert set(np.unique(layers)) == {0, 1}
    assert (layers[0] == 1).sum() == 81


def test_painting_outside_of_the_image_is_harmless(canvas):
    outline = square(canvas, -50, 90, 5)
    canvas.blend(outline, 1.0, outline.cover())
    canvas.add_whole(outline)
    assert not canvas.image.any()


def test_blend_mixes_by_alpha(canvas):
    outline = square(canvas, 20, 20, 3)
    canvas.blend(outline, 0.8, 0.5 * outline.mask)
    np.testing.assert_allclose(canvas.image[20, 20], 0.4)
    assert canvas.image[2, 2] == 0


def test_pixels_of_a_grey_canvas(canvas):
    canvas.image[:] = 2.0
    canvas.image[0, 0] = 0.5
    pixels = canvas.pixels()
    assert pixels.shape == (40, 40, 3)
    assert pixels[5, 5].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == [128, 128, 128]


def test_capsule_has_the_size_asked_for():
    rod = capsule((60, 60), (30, 30), half_length=10, half_width=4, angle=0.0)
    rows, columns = (np.flatnonzero(rod.mask.any(axis=axis)) for axis in (1, 0))
    assert len(rows) == 9
    assert len(columns) == 29


def test_shifted_and_trimmed_outlines(canvas):
    outline = square(canvas, 20, 20, 3)
    moved = outline.shifted(np.array([1.0, -2.0]))
    np.testing.assert_array_equal(moved.mask[1:, :-2], outline.mask[:-1, 2:])
    assert not outline.shifted(np.array([100.0, 0.0])).mask.any()
    trimmed = outline.trimmed(0)
    assert trimmed.mask.all()
    assert (trimmed.rows, trimmed.columns) == (slice(17, 24), slice(17, 24))


@pytest.mark.parametrize("seed", range(5))
def test_scattered_things_keep_their_distance(seed):
    rng = np.random.default_rng(seed)
    places = list(scatter((200, 200), radius=10, rng=rng, filled=0.5, touching=0.7))
    assert len(places) > 10
    centers = np.array([center for center, _ in places])
    radii = np.array([radius for _, radius in places])
    distances = np.hypot(*(centers[:, None] - centers[None]).transpose(2, 0, 1))
    np.fill_diagonal(distances, np.inf)
    assert (distances >= radii[:, None] + radii[None] - 1e-9).all()


def test_textures_have_the_range_promised():
    rng = np.random.default_rng(0)
    assert np.abs(smooth_noise((30, 50), 6, rng)).max() <= 1
    assert abs(grain((200, 200), rng, sigma=2.0).std() - 1) < 0.01
    field = illumination((30, 30), rng, strength=0.2)
    assert np.abs(field - 1).max() <= 0.2 + 1e-6
