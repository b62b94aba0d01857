from __future__ import annotations

import pytest

from tests.engine.embedding.scene import CountingModel, build_scene
from tilesam.embedding.estimate import estimate_embedding, seconds_per_tile
from tilesam.embedding.work import embed_tile

TILE_BYTES = 256 * 4 * 4 * 2


@pytest.fixture
def scene():
    scene = build_scene()
    return scene.with_(model=CountingModel(scene.model))


def test_only_missing_tiles_cost_anything(scene):
    for key in scene.plan[:3]:
        embed_tile(key, *scene.arguments)
    estimate = estimate_embedding(scene.plan, scene.store, scene.model)
    assert estimate.tiles == len(scene.plan) == 12
    assert estimate.missing == 9
    assert estimate.nbytes == 9 * TILE_BYTES
    assert estimate.seconds == pytest.approx(9 * seconds_per_tile(scene.model))


def test_the_encoder_is_timed_once_per_model(scene):
    first = estimate_embedding(scene.plan, scene.store, scene.model).seconds
    timed = scene.model.calls["tiles"]
    assert estimate_embedding(scene.plan, scene.store, scene.model).seconds == first
    assert scene.model.calls["tiles"] == timed


def test_nothing_is_timed_without_need(scene):
    for key in scene.plan[:2]:
        embed_tile(key, *scene.arguments)
    calls = scene.model.calls["tiles"]
    assert estimate_embedding(scene.plan, scene.store, None).seconds is None
    assert estimate_embedding(scene.plan[:2], scene.store, scene.model).seconds == 0
    assert scene.model.calls["tiles"] == calls


@pytest.mark.parametrize(("duration", "times"), [(0.25, 3), (20.0, 1)])
def test_a_slow_encoder_is_timed_without_a_warm_up(scene, duration, times):
    ticks = iter(range(100))
    seconds = seconds_per_tile(scene.model, clock=lambda: next(ticks) * duration)
    assert seconds == duration
    assert scene.model.calls["tiles"] == times
