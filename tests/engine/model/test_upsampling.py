from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam.model import upsampling
from tilesam.model.preprocessing import logits_to_window
from tilesam.model.upsampling import crop_mask

INPUT_SIZE, ROUNDING = 64, 1e-4


def smooth_logits(seed, *, shift=0.0):
    """Return (16, 16) logits with blobs of both signs."""
    noise = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(seed))
    blobs = torch.nn.functional.interpolate(noise, (16, 16), mode="bicubic")[0, 0]
    return (blobs * 4 + shift).numpy()


def full_upsampling(logits, window_hw):
    """Do the obvious: upsample everything."""
    return logits_to_window(torch.from_numpy(logits), window_hw, INPUT_SIZE).numpy()


def paste(crop, window_hw):
    mask = np.zeros(window_hw, bool)
    (y, x), (h, w) = crop.offset_yx, crop.mask.shape
    mask[y : y + h, x : x + w] = crop.mask
    return mask


def assert_equals_full_upsampling(logits, window_hw):
    crop = crop_mask(logits, window_hw=window_hw, input_size=INPUT_SIZE)
    mask = paste(crop, window_hw)
    full = full_upsampling(logits, window_hw)
    # Both round to float32 in different orders: on the very threshold either is right.
    is_clear = np.abs(full) > ROUNDING
    assert_array_equal(mask[is_clear], full[is_clear] > 0)
    (tight_least, tight_most), (loose_least, loose_most) = (
        (np.count_nonzero(full > at + ROUNDING), np.count_nonzero(full > at - ROUNDING))
        for at in (1, -1)
    )
    least, most = tight_least / max(loose_most, 1), tight_most / max(loose_least, 1)
    assert least <= crop.stability_score <= most
    if mask.any():
        assert crop.mask[0].any()
        assert crop.mask[-1].any()
        assert crop.mask[:, 0].any()
        assert crop.mask[:, -1].any()


@given(
    seed=st.integers(0, 10_000),
    shift=st.sampled_from([-6.0, -2.0, 0.0, 3.0]),
    window_hw=st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_the_crop_equals_upsampling_everything(seed, shift, window_hw):
    assert_equals_full_upsampling(smooth_logits(seed, shift=shift), window_hw)


@pytest.mark.parametrize(
    "window_hw", [(64, 64), (64, 33), (128, 128), (40, 30), (1, 64)]
)
@pytest.mark.parametrize("cell", [(0, 0), (15, 15), (7, 3), (0, 9)])
def test_a_single_positive_cell_is_found_wherever_it_is(window_hw, cell):
    logits = np.full((16, 16), -3.0, np.float32)
    logits[cell] = 5.0
    assert_equals_full_upsampling(logits, window_hw)


def test_only_the_part_with_a_mask_is_upsampled(monkeypatch):
    sizes = []
    strips = upsampling._logit_strips

    def recording(*arguments):
        for strip, logits in strips(*arguments):
            sizes.append(logits.shape)
            yield strip, logits

    monkeypatch.setattr(upsampling, "_logit_strips", recording)
    logits = np.full((16, 16), -3.0, np.float32)
    logits[4, 5] = 5.0
    crop_mask(logits, window_hw=(6400, 6400), input_size=INPUT_SIZE)
    assert max(height for height, _ in sizes) <= upsampling.ROWS_AT_ONCE
    # Bilinear weights reach one cell, of 400 pixels, to either side of the centre.
    assert sum(height for height, _ in sizes) <= 900
    assert max(width for _, width in sizes) <= 900


def test_a_mask_of_several_strips_has_no_seams(monkeypatch):
    monkeypatch.setattr(upsampling, "ROWS_AT_ONCE", 7)
    assert_equals_full_upsampling(smooth_logits(1), (90, 100))


def test_an_empty_mask_has_an_empty_crop_and_no_stability():
    logits = np.full((16, 16), -3.0, np.float32)
    crop = crop_mask(logits, window_hw=(50, 50), input_size=INPUT_SIZE)
    assert crop.mask.shape == (0, 0)
    assert crop.offset_yx == (0, 0)
    assert crop.stability_score == 0.0


def test_stability_compares_the_mask_at_minus_and_plus_one():
    # At scale 1 per cell and constant halves: 0.5 is within +-1, 4 is above it.
    logits = np.full((16, 16), 4.0, np.float32)
    logits[:, 8:] = 0.5
    crop = crop_mask(logits, window_hw=(16, 16), input_size=16)
    assert crop.mask.all()
    assert crop.stability_score == 0.5


@given(
    seed=st.integers(0, 10_000),
    shift=st.sampled_from([-6.0, -2.0, 0.0, 3.0]),
    window_hw=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    hidden_hw=st.tuples(st.integers(0, 95), st.integers(0, 95)),
    visible_hw=st.tuples(st.integers(0, 95), st.integers(0, 95)),
)
def test_what_is_hidden_is_cut_off_the_whole_crop(
    seed, shift, window_hw, hidden_hw, visible_hw
):
    logits = smooth_logits(seed, shift=shift)
    size = {"window_hw": window_hw, "input_size": INPUT_SIZE}
    whole = crop_mask(logits, **size)
    cut = crop_mask(logits, **size, hidden_hw=hidden_hw, visible_hw=visible_hw)
    is_shown = np.zeros(window_hw, bool)
    is_shown[hidden_hw[0] : visible_hw[0], hidden_hw[1] : visible_hw[1]] = True
    expected = paste(whole, window_hw) & is_shown
    found = paste(cut, window_hw)
    full = full_upsampling(logits, window_hw)
    is_clear = np.abs(full) > ROUNDING
    assert_array_equal(found[is_clear], expected[is_clear])
    assert not found[~is_shown].any()
    assert cut.mask.size == 0 or (cut.mask.any(axis=0)[[0, -1]]).all()
    assert cut.mask.size == 0 or (cut.mask.any(axis=1)[[0, -1]]).all()
    assert cut.mask.size or cut.offset_yx == (0, 0)
    # Stability is that of what can be seen.
    loose = np.count_nonzero((full > -1 + ROUNDING) & is_shown)
    tight = np.count_nonzero((full > 1 - ROUNDING) & is_shown)
    assert cut.stability_score <= tight / max(loose, 1)


def test_nothing_is_hidden_unless_asked():
    logits = smooth_logits(3)
    size = {"window_hw": (70, 50), "input_size": INPUT_SIZE}
    usual, explicit = (
        crop_mask(logits, **size),
        crop_mask(logits, **size, hidden_hw=(0, 0), visible_hw=(70, 50)),
    )
    assert_array_equal(usual.mask, explicit.mask)
    assert usual.offset_yx == explicit.offset_yx
    assert usual.stability_score == explicit.stability_score


def test_a_stability_offset_of_zero_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        crop_mask(
            np.zeros((16, 16), np.float32),
            window_hw=(5, 5),
            input_size=64,
            stability_offset=0.0,
        )
