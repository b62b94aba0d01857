from __future__ import annotations

import pytest
import torch

from tilesam.torch_threads import limited_torch_threads, sparing_a_core


def test_the_number_of_threads_is_set_and_set_back():
    before = torch.get_num_threads()
    for count in (None, before, before + 1):
        with limited_torch_threads(count):
            assert torch.get_num_threads() == (count or before)
        assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), limited_torch_threads(before + 1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("cores", "left"), [(1, 1), (2, 1), (3, 2)])
def test_a_core_is_spared_where_there_are_several(cores, left):
    with limited_torch_threads(cores):
        with sparing_a_core():
            assert torch.get_num_threads() == left
        assert torch.get_num_threads() == cores
