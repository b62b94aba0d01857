from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import shapely
from hypothesis import given
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import crops_in_images
from tilesam.export.outlines import outlines_of
from tilesam.masks.run_masks import RunMasks


def drawn(*rows):
    return np.array([[character == "#" for character in row] for row in rows])


def polygons_of(*crops, offset=(0, 0)):
    outlines = outlines_of(RunMasks.from_crops(crops, [offset] * len(crops)))
    return [outlines.polygons(i) for i in range(len(crops))]


def geometry(polygons):
    return shapely.MultiPolygon([shapely.Polygon(p[0], p[1:]) for p in polygons])


def test_a_pixel_is_a_square_that_turns_in_the_positive_sense():
    ((polygon,),) = polygons_of(drawn("#"), offset=(5, 7))
    (ring,) = polygon
    assert_array_equal(ring[0], ring[-1])
    assert set(map(tuple, ring)) == {(7, 5), (8, 5), (8, 6), (7, 6)}
    assert shapely.LinearRing(ring).is_ccw


def test_only_the_places_where_an_edge_turns_are_kept():
    ((polygon,),) = polygons_of(drawn("#####", "#####", "##...", "##..."))
    (ring,) = polygon
    assert set(map(tuple, ring)) == {(0, 0), (5, 0), (5, 2), (2, 2), (2, 4), (0, 4)}
    assert len(ring) == 7


@pytest.mark.parametrize(
    ("crop", "rings"),
    [
        (drawn("###", "#.#", "###"), [2]),
        (drawn("#.", ".#"), [1, 1]),
        (drawn(".#", "#."), [1, 1]),
        # Two holes that touch at a corner.
        (drawn("####", "#.##", "##.#", "####"), [3]),
        # The outer ring touches itself: what it encloses is a hole.
        (drawn("###", "#.#", "##."), [2]),
        (drawn("###.", "#.##", "##.#", ".###"), [3]),
        # An island with a hole within a hole.
        (
            drawn("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#",
                  "#######"),
            [2, 2],
        ),
        # An island that touches the rim of its hole, and one that closes an opening.
        (drawn("######", "##...#", "#.#..#", "#....#", "######"), [2, 1]),
        (drawn("####", "#..#", "#.#.", "##.#", "####"), [1, 1]),
        (drawn("#.#.#", ".#.#.", "#.#.#"), [1] * 8),
        (drawn("...", "..."), []),
    ],
)  # fmt: skip
def test_parts_and_their_holes(crop, rings):
    (polygons,) = polygons_of(crop)
    found = geometry(polygons)
    assert shapely.is_valid(found), shapely.is_valid_reason(found)
    assert [len(polygon) for polygon in polygons] == rings
    assert found.area == crop.sum()


@given(crops_in_images(side=12))
def test_polygons_are_valid_and_cover_exactly_the_pixels(drawn):
    _, crops, offsets = drawn
    masks = RunMasks.from_crops(crops, offsets)
    outlines = outlines_of(masks)
    for index, crop in enumerate(crops):
        polygons = outlines.polygons(index)
        found = geometry(polygons)
        assert shapely.is_valid(found), shapely.is_valid_reason(found)
        assert found.area == crop.sum()
        # The slow way: squares joined by a library.
        y, x = np.nonzero(crop) + np.array(offsets[index])[:, np.newaxis]
        assert found.equals(shapely.union_all(shapely.box(x, y, x + 1, y + 1)))
        for outer, *holes in polygons:
            assert shapely.LinearRing(outer).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)


@given(crops_in_images(side=9))
def test_masks_do_not_depend_on_those_beside_them(drawn):
    _, crops, offsets = drawn
    together = outlines_of(RunMasks.from_crops(crops, offsets))
    for index, (crop, offset) in enumerate(zip(crops, offsets, strict=True)):
        alone = outlines_of(RunMasks.from_crops([crop], [offset])).polygons(0)
        assert_same_rings(together.polygons(index), alone)


def assert_same_rings(found, expected):
    assert [len(polygon) for polygon in found] == [len(p) for p in expected]
    rings = (chain.from_iterable(polygons) for polygons in (found, expected))
    for ring, other in zip(*rings, strict=True):
        assert_array_equal(ring, other)


def test_no_masks_and_empty_masks_have_no_polygons():
    assert len(outlines_of(RunMasks.empty()).points_xy) == 0
    outlines = outlines_of(RunMasks.empty(3))
    assert [outlines.polygons(i) for i in range(3)] == [[], [], []]


def test_a_large_speckled_mask_far_away():
    crop = np.random.default_rng(0).random((300, 200)) < 0.55
    (polygons,) = polygons_of(crop, offset=(1_000_000, 900_000))
    found = geometry(polygons)
    assert shapely.is_valid(found)
    assert found.area == crop.sum()
    y, x = np.mgrid[:300, :200]
    shapely.prepare(found)
    inside = shapely.contains_xy(found, x + 900_000.5, y + 1_000_000.5)
    assert_array_equal(inside, crop)
