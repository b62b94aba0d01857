"""Lines around masks."""

from __future__ import annotations

import numpy as np

from napari_sam.layers.outline import INSIDE, LINE, draw_outline
from tests.plugin.fake_candidates import candidate


def test_an_outline_is_a_line_within_the_mask_and_a_rim_of_nothing():
    outline = draw_outline(candidate(mask_hw=(4, 5), offset_yx=(7, 0)))

    assert outline.offset_yx == (6, -1)
    expected = np.zeros((6, 7), np.uint8)
    expected[1:-1, 1:-1] = LINE
    expected[2:-2, 2:-2] = INSIDE
    np.testing.assert_array_equal(outline.picture, expected)


def test_large_outlines_have_thick_lines():
    outline = draw_outline(candidate(mask_hw=(600, 30)))

    assert (outline.picture[300] == LINE).sum() == 20
