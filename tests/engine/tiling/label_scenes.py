"""Label images, and what windows see of them: the truth that stitching is held to."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import label

from tilesam.masks.painting import paint
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks
from tilesam.tiling import Grid
from tilesam.tiling.stitch import Fate, Stitched, WindowMasks
from tilesam.types import Window

Extents = list[tuple[int, int, int, int]]


def nuclei(hw, rng, *, spacing=15.0, radii=(6.0, 13.0)):
    """Return round objects, most of which touch their neighbours."""
    height, width = hw
    y, x = np.meshgrid(
        np.arange(0, height, spacing), np.arange(0, width, spacing), indexing="ij"
    )
    centers = np.stack([y.ravel(), x.ravel()], axis=1)
    centers = centers + rng.uniform(-0.3, 0.3, centers.shape) * spacing
    radius = rng.uniform(*radii, len(centers))
    pixels = np.stack(np.mgrid[:height, :width], axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(centers).query(pixels)
    values = np.where(distance < radius[nearest], nearest + 1, 0)
    return connected(values.reshape(hw))


def mixed(hw, rng, *, sides=(12, 300), count=400):
    """Return objects of very different sizes, smaller ones upon larger ones."""
    values = np.zeros(hw, np.int64)
    drawn = np.exp(rng.uniform(*np.log(sides), count))
    for value, side in enumerate(np.sort(drawn)[::-1], start=1):
        half_y, half_x = side / 2 * np.exp(rng.uniform(-0.25, 0.25, 2))
        y, x = rng.uniform(0, hw[0]), rng.uniform(0, hw[1])
        rows = slice(max(int(y - half_y), 0), int(y + half_y) + 1)
        columns = slice(max(int(x - half_x), 0), int(x + half_x) + 1)
        near_y, near_x = np.ogrid[rows, columns]
        power = rng.choice([1.4, 2, 6])  # stars, ellipses, boxes
        inside = np.abs((near_y - y) / half_y) ** power
        inside = inside + np.abs((near_x - x) / half_x) ** power < 1
        seen = values[rows, columns]
        seen[inside[: seen.shape[0], : seen.shape[1]]] = value
    return connected(values)


def connected(values, *, min_area=12):
    """Return labels 1..n of the connected parts, without crumbs."""
    labels = label(values, connectivity=2)
    labels[np.bincount(labels.ravel())[labels] < min_area] = 0
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def regular_windows(hw, size, overlap) -> Extents:
    """Return windows with a fixed stride; the last ones are cut by the image."""
    stride = size - overlap
    return [
        (y, x, min(y + size, hw[0]), min(x + size, hw[1]))
        for y in range(0, max(hw[0] - overlap, 1), stride)
        for x in range(0, max(hw[1] - overlap, 1), stride)
    ]


def clamped_windows(hw, size, overlap) -> Extents:
    """Return windows of one size; the last are moved back to end with the image."""
    return [
        (y, x, min(y + size, hw[0]), min(x + size, hw[1]))
        for y in _clamped_starts(hw[0], size, overlap)
        for x in _clamped_starts(hw[1], size, overlap)
    ]


def _clamped_starts(length, size, overlap):
    last = max(length - size, 0)
    return sorted({min(start, last) for start in range(0, length, size - overlap)})


def lattice_windows(hw, size, level=0) -> Extents:
    """Return what the coverage of the image's own lattice shows."""
    grid = Grid(hw, size)
    windows = [grid.window(key) for key in grid.coverage(level)]
    return [extent_of(window, hw) for window in windows]


def extent_of(window: Window, hw):
    bottom, right = window.y0 + window.height, window.x0 + window.width
    return window.y0, window.x0, min(bottom, hw[0]), min(right, hw[1])


def cut(labels, extents, rng=None) -> list[WindowMasks]:
    """Return the exact pieces of a label image, in a random order with an rng."""
    windows = []
    for extent in extents:
        y0, x0, y1, x1 = extent
        masks, _ = RunMasks.from_labels(labels[y0:y1, x0:x1], (y0, x0))
        scores = np.ones(len(masks))
        if rng is not None:
            masks, scores = (
                masks.take(rng.permutation(len(masks))),
                rng.random(len(masks)),
            )
        windows.append(WindowMasks(extent, masks, scores))
    return (
        windows if rng is None else [windows[i] for i in rng.permutation(len(windows))]
    )


def cut_masks(crops, extents, rng=None) -> list[WindowMasks]:
    """Return the exact pieces of (H, W) masks, which may overlap."""
    whole = RunMasks.from_crops(crops, [(0, 0)] * len(crops))
    windows = []
    for extent in extents:
        masks = whole.clipped(extent)
        masks = masks.take(masks.areas > 0)
        if rng is not None:
            masks = masks.take(rng.permutation(len(masks)))
        windows.append(WindowMasks(extent, masks, np.ones(len(masks))))
    return windows


def noisy(truth: RunMasks, hw, extents, rng, *, missing=0.15):
    """Return pieces whose borders are off by a pixel, a few of the cut ones missing.

    And for every mask of every window which true one it shows. Each window has one of:
    nothing, all masks a pixel larger, a pixel smaller, or moved by a pixel.
    """
    windows, shown = [], []
    for extent in extents:
        change = rng.choice(["none", "larger", "smaller", "moved"])
        shift = rng.integers(-1, 2, 2)
        pieces = truth.clipped(extent)
        crops, offsets = [], []
        for number in np.flatnonzero(pieces.areas):
            crop, offset = pieces.crop(number)
            is_cut = touches_inner_edge(pieces.extents_yxyx[number], extent, hw)
            if is_cut and rng.random() < missing:
                continue
            crop, offset = within(extent, *changed(crop, offset, change, shift))
            if crop.any():
                crops.append(crop)
                offsets.append(offset)
                shown.append(number)
        masks = RunMasks.from_crops(crops, offsets)
        windows.append(WindowMasks(extent, masks, rng.random(len(masks))))
    return windows, np.array(shown)


def touches_inner_edge(mask_extent, extent, hw) -> bool:
    """Return whether a window's edge that is not the image's cuts a mask."""
    ends = (0, 0, *hw)
    sides = zip(mask_extent, extent, ends, strict=True)
    return any(mine == edge != end for mine, edge, end in sides)


def changed(crop, offset, change, shift):
    """Return a mask drawn a little differently, in a crop with room around it."""
    mask = np.pad(crop, 1)
    if change == "larger":
        mask = ndimage.binary_dilation(mask)
    elif change == "smaller":
        mask = ndimage.binary_erosion(mask)
    elif change == "moved":
        mask = np.roll(mask, shift, (0, 1))
    return mask, (offset[0] - 1, offset[1] - 1)


def within(extent, mask, offset):
    """Return the part of a mask that a window shows."""
    (y0, x0, y1, x1), (y, x) = extent, offset
    top, left = max(y0 - y, 0), max(x0 - x, 0)
    return mask[top : y1 - y, left : x1 - x], (y + top, x + left)


def painted(masks: RunMasks, hw):
    """Return (H, W) labels of masks that do not overlap; fail if they do."""
    labels = paint(masks, np.arange(1, len(masks) + 1), (0, 0, *hw), np.int64)
    assert np.count_nonzero(labels) == masks.areas.sum()
    return labels


def as_bytes(masks: RunMasks):
    """Return each mask as something to compare and to put into sets."""
    return [
        (crop.tobytes(), crop.shape, place)
        for crop, place in (masks.crop(i) for i in range(len(masks)))
    ]


def same_up_to_names(a, b) -> bool:
    """Return whether two label images differ in nothing but names."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    names_a, names_b = np.unique(a), np.unique(b)
    has_background = bool(((pairs == 0).sum(axis=0) != 1).all())
    return has_background and pairs.shape[1] == len(names_a) == len(names_b)


def matched_share(masks: RunMasks, truth: RunMasks) -> float:
    """Return F1: how many have a partner with an IoU of at least 0.5."""
    pairs = overlapping_extents(masks.extents_yxyx, truth.extents_yxyx)
    shared = intersection_areas(masks, truth, pairs)
    union = masks.areas[pairs[:, 0]] + truth.areas[pairs[:, 1]] - shared
    found = len(np.unique(pairs[2 * shared >= union, 1]))
    return 2 * found / (len(masks) + len(truth))


def merges_and_splits(stitched: Stitched, shown) -> tuple[int, int]:
    """Return how many true objects too many are in one object, and the reverse.

    `shown` tells for each mask of each window which true object it shows.
    """
    is_member = stitched.fates == Fate.MEMBER
    pairs = np.stack([stitched.object_of[is_member], shown[is_member]])
    pairs = np.unique(pairs, axis=1)
    objects, truths = (len(np.unique(names)) for names in pairs)
    return pairs.shape[1] - objects, pairs.shape[1] - truths


def fragments(labels, extents) -> list[WindowMasks]:
    """Return the pieces of a label image, each connected part as a mask of its own."""
    windows = []
    for extent in extents:
        y0, x0, y1, x1 = extent
        parts = label(labels[y0:y1, x0:x1], connectivity=2)
        masks, _ = RunMasks.from_labels(parts, (y0, x0))
        windows.append(WindowMasks(extent, masks, np.ones(len(masks))))
    return windows


def us(hw, rng, *, sides=(40, 200), widths=(5, 20), count=40):
    """Return U shapes, lying in all four directions."""
    labels = np.zeros(hw, np.int64)
    for value in range(1, count + 1):
        side = int(np.exp(rng.uniform(*np.log(sides))))
        width = int(rng.integers(*widths))
        shape = np.ones((side, side), np.bool_)
        shape[: side - width, width : side - width] = False
        shape = np.rot90(shape, rng.integers(4))
        y, x = rng.integers(0, np.array(hw) - side)
        canvas = labels[y : y + side, x : x + side]
        if not canvas[shape].any():
            canvas[shape] = value
    return connected(labels)


def thick(labels, *, depth=5.0):
    """Return the objects that have a pixel so deep inside, as labels 1..n."""
    depths = ndimage.maximum(depth_inside(labels), labels, np.arange(labels.max() + 1))
    is_thick = depths >= depth
    is_thick[0] = False
    return np.unique(np.where(is_thick[labels], labels, 0), return_inverse=True)[
        1
    ].reshape(labels.shape)


def depth_inside(labels):
    """Return how far each pixel is from what is not its object."""
    padded = np.pad(labels, 1, constant_values=-1)
    is_rim = np.zeros(padded.shape, np.bool_)
    for axis in (0, 1):
        for step in (1, -1):
            is_rim |= padded != np.roll(padded, step, axis)
    return (ndimage.distance_transform_edt(~is_rim) + 1)[1:-1, 1:-1]


def nests(hw, rng, *, sides=(40, 300), count=40):
    """Return (H, W) masks: wholes apart from each other, their parts, and subparts.

    Two parts of a whole are apart; some parts reach the border of their whole.
    """
    taken = np.zeros(hw, np.bool_)
    masks = []
    for _ in range(count):
        half = np.exp(rng.uniform(*np.log(sides), 2)) / 2
        center = rng.uniform(0, hw)
        whole = _ellipse(hw, center, half)
        if (taken & whole).any():
            continue
        taken |= whole
        masks.append(whole)
        for side in (-1, 1):
            middle = center + side * np.array([0.2, 0.55]) * half
            part = _ellipse(hw, middle, half * [0.6, 0.42]) & whole
            subpart = _ellipse(hw, middle, half * rng.uniform(0.1, 0.4, 2)) & part
            masks += [part, subpart]
    return [mask for mask in masks if mask.sum() >= 12]


def _ellipse(hw, center, half):
    y, x = np.ogrid[: hw[0], : hw[1]]
    return ((y - center[0]) / half[0]) ** 2 + ((x - center[1]) / half[1]) ** 2 < 1
