from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tilesam.annotation.pieces import Piece, split_labels, split_planes
from tilesam.masks.rle import compress_counts, decode_rle, decompress_counts, encode_rle

planes = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.integers(0, 3),
)


@given(planes)
def test_every_label_is_found_with_its_pixels(labels):
    painted = np.zeros((3, *labels.shape), np.uint8)
    for label, piece in split_labels(labels, (1,), (0, 0)):
        painted[piece.indices()] = label
    assert (painted[1] == labels).all()
    assert not painted[[0, 2]].any()


@given(planes)
def test_a_piece_is_what_coco_says_of_the_smallest_crop(labels):
    columns, rows = np.nonzero(labels.T)
    pieces = list(split_planes((rows, columns)))
    assert len(pieces) == (len(rows) > 0)
    for piece, part in pieces:
        (y, x), (height, width) = piece.offset_yx, piece.hw
        crop = labels[y : y + height, x : x + width] > 0
        assert piece.counts == compress_counts(encode_rle(crop))
        assert (decode_rle(decompress_counts(piece.counts), piece.hw) == crop).all()
        assert crop[[0, -1]].any(axis=1).all()
        assert crop[:, [0, -1]].any(axis=0).all()
        assert part == slice(0, len(rows))


@given(hnp.arrays(np.bool_, (2, 3, 4, 2)))
def test_planes_have_pieces_of_their_own(mask):
    indices = np.nonzero(mask.transpose(0, 1, 3, 2))
    indices = (indices[0], indices[1], indices[3], indices[2])
    painted = np.zeros_like(mask)
    for piece, part in split_planes(indices):
        assert np.array_equal(piece.indices(), [index[part] for index in indices])
        painted[piece.indices()] = True
    assert (painted == mask).all()


@pytest.mark.parametrize("counts", ["", "é", "0", "1", "11111111"])
def test_runs_that_do_not_fit_are_refused(counts):
    with pytest.raises(ValueError, match=r"."):
        Piece((), (0, 0), (2, 2), counts).indices()
