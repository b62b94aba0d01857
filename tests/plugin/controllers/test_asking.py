"""Answers to clicks and previews leave a core to the window."""

from __future__ import annotations

import pytest
import torch

from napari_sam.controllers.asking import answer_in_steps
from napari_sam.controllers.previewing import preview_at
from napari_sam.state.prompts import PromptSet
from tilesam import Session
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model
from tilesam.torch_threads import limited_torch_threads

HW = (64, 64)
CORES = 3


@pytest.fixture
def session():
    image = bright_rectangles(HW, [(8, 8, 40, 40)])
    with Session.open(image, model=bright_region_model()) as opened:
        yield opened


@pytest.fixture
def threads(session, monkeypatch):
    """Notes the threads with which the model embeds and decodes."""
    noted = []

    def noting(name):
        original = getattr(session.model, name)

        def noted_call(*args, **kwargs):
            noted.append((name, torch.get_num_threads()))
            return original(*args, **kwargs)

        monkeypatch.setattr(session.model, name, noted_call)

    noting("embed")
    noting("decode")
    with limited_torch_threads(CORES):
        yield noted
        assert torch.get_num_threads() == CORES


def prompts():
    return PromptSet().with_point((20.0, 20.0)).to_engine(HW)


def test_a_tile_is_embedded_with_all_cores_and_decoded_with_one_less(session, threads):
    for _ in answer_in_steps(session, prompts()):
        pass
    assert threads == [("embed", CORES), ("decode", CORES - 1)]


def test_a_preview_spares_a_core(session, threads):
    assert preview_at(session, (20.0, 20.0)) is None  # nothing is embedded so far
    for _ in answer_in_steps(session, prompts()):
        pass
    threads.clear()
    assert preview_at(session, (20.0, 20.0)) is not None
    assert threads == [("decode", CORES - 1)]
