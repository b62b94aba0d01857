from __future__ import annotations

import numpy as np

from tests.engine.training.refining.squares import sample
from tilesam.training.refining.images import SCENE_DOMAIN, domain_of, with_scenes
from tilesam.training.scenes import SCENES


def test_the_first_scenes_are_the_same_whatever_their_number():
    few, more = with_scenes([], 2), with_scenes([], 3)
    for one, other in zip(few, more, strict=False):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.label_layers, other.label_layers)


def test_scenes_follow_the_images_and_are_of_all_kinds_in_turn():
    given = [sample(), sample([])]
    several = with_scenes(iter(given), 3)
    assert several[:2] == given
    kinds = [found.domain for found in several[2:]]
    assert len(set(kinds)) == min(3, len(SCENES))
    assert with_scenes(given, 0) == given


def test_all_scenes_are_one_domain():
    (scene,) = with_scenes([], 1)
    assert domain_of(scene) == SCENE_DOMAIN != scene.domain
    assert domain_of(sample(domain="nuclei")) == "nuclei"


def test_tailed_objects_count_as_a_domain():
    scenes = with_scenes([], len(SCENES))
    names = {scene.domain: domain_of(scene) for scene in scenes}
    assert names.pop("scene_tails") == "scene_tails"
    assert set(names.values()) == {SCENE_DOMAIN}
    assert len(names) == len(SCENES) - 1
