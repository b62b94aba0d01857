from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from tests.engine.training.refining.squares import answers, sample
from tilesam.training.refining import sizes as module
from tilesam.training.refining.records import RegionDraw
from tilesam.training.refining.sizes import RegionsOfTwoSizes

SMALL, LARGE = (4, 4, 16, 14), (20, 10, 60, 40)
SIZE = 32


@pytest.fixture(autouse=True)
def least_side(monkeypatch):
    monkeypatch.setattr(module, "LEAST_SIDE", 30)


def regions(*rectangles):
    given = answers([sample([rectangle]) for rectangle in rectangles])
    draw = RegionDraw(box_share=1.0, box_answer_share=0.0)
    return RegionsOfTwoSizes(given, size=SIZE, seed=0, draw=draw)


def keys(of, steps, *, large_every=3, batch_size=6):
    return list(of.batches(steps, batch_size=batch_size, large_every=large_every))


def test_every_so_many_batches_are_larger_and_fewer():
    batches = keys(regions(SMALL, LARGE), range(7))
    are_large = [{key.is_large for key in batch} for batch in batches]
    assert are_large == [{step % 3 == 0} for step in range(7)]
    for batch in batches:
        assert len(batch) == (6 if not batch[0].is_large else len(batches[0]))
    assert 2 <= len(batches[0]) < 6


@pytest.mark.parametrize("batch_size", [2, 3, 24])
def test_batch_norm_has_two_regions_at_least(batch_size):
    for batch in keys(regions(LARGE), range(4), batch_size=batch_size):
        assert 2 <= len(batch) <= batch_size


def test_no_region_comes_twice():
    found = [key for batch in keys(regions(SMALL, LARGE), range(20)) for key in batch]
    assert len({key.number for key in found}) == len(found)


def test_a_run_that_goes_on_has_the_batches_it_would_have_had():
    several = regions(SMALL, LARGE)
    assert keys(several, range(9))[4:] == keys(several, range(4, 9))


def test_larger_regions_show_large_objects_alone():
    several = regions(SMALL, LARGE)
    assert several.larger.images == [1]
    assert several.usual.images == [0, 1]
    loader = DataLoader(several, batch_sampler=keys(several, range(4)))
    found = [batch.mask.shape for batch in loader]
    factor = several.larger.size // several.usual.size
    assert factor > 1
    assert [shape[1:] for shape in found] == [
        (size, size) for size in (factor * SIZE, SIZE, SIZE, factor * SIZE)
    ]


@pytest.mark.parametrize(("rectangle", "large_every"), [(SMALL, 3), (LARGE, 0)])
def test_without_large_objects_or_the_wish_all_regions_are_usual(
    rectangle, large_every
):
    batches = keys(regions(rectangle), range(7), large_every=large_every)
    assert not any(key.is_large for batch in batches for key in batch)
    assert {len(batch) for batch in batches} == {6}


def test_a_key_says_which_region():
    several, again = regions(SMALL, LARGE), regions(SMALL, LARGE)
    for is_large in (False, True):
        key = module.RegionKey(5, is_large)
        assert torch.equal(several[key].pixels, again[key].pixels)
        of = several.larger if is_large else several.usual
        assert torch.equal(several[key].pixels, of[5].pixels)
