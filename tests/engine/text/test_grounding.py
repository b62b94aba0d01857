"""The backend of detectors: whole path offline, whole objects, limits, corrections."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.engine.text.blocks import (
    RED,
    SMALL,
    ColorDetector,
    draw,
    many_blocks,
    open_blocks,
)
from tilesam.errors import EverythingError, TextError
from tilesam.session import Session
from tilesam.testing.models import bright_region_model
from tilesam.text.box_search import GroundingSettings, quarters
from tilesam.text.grounding import GroundingBackend
from tilesam.types import Window

pytest.importorskip("transformers")

from tests.engine.text.tiny_pretrained import DETECTORS, save_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {kind: save_model(kind, place / kind) for kind in DETECTORS}


@pytest.mark.parametrize("kind", DETECTORS)
def test_the_whole_path_with_a_model_from_a_folder(folders, kind):
    session = open_blocks()
    settings = GroundingSettings(threshold=0.01, most_divisions=1)
    backend = GroundingBackend(folders[kind], settings)
    for phrase in ("cell nuclei", "细胞核 🧬 ядро", "nuclei. " * 25):
        found = session.find_text(
            phrase, negative_phrases=["red roofs"], backend=backend
        )
        assert ((found.text_score >= 0) & (found.text_score <= 1)).all()
        assert found.threshold == 0.01
        found.resolve(0.0)


def _middles(found):
    """Return the middles of objects in the order of their labels."""
    return [tuple(np.round(yx).astype(int).tolist()) for yx in found.masks.centroids_yx]


def test_boxes_become_the_masks_that_are_there():
    session = open_blocks()
    found = session.text(
        "red block", backend=GroundingBackend(detector=ColorDetector())
    )
    _, labels = draw((64, 64), [block for block in SMALL if block[3] == RED])
    assert len(found) == 2
    assert ((found.labels() > 0) == (labels > 0)).mean() > 0.99
    # The detector's own threshold is about the detector's own scores.
    for column in ("text_score", "score"):
        np.testing.assert_allclose(found.table.more[column], 0.8)
    assert (found.table.predicted_iou > 0.5).all()


def test_objects_are_whole_across_the_seams_of_windows():
    hw = (148, 208)  # all windows begin at whole cells of the model
    blocks = many_blocks(hw, half=8, step=28)
    session = open_blocks(hw, blocks)
    backend = GroundingBackend(detector=ColorDetector())
    found = session.text("red block", backend=backend, levels=[0])
    _, labels = draw(hw, blocks)
    assert len(found) == len(blocks) == 35
    assert not found.table.is_cut.any()
    assert ((found.labels() > 0) == (labels > 0)).mean() > 0.98
    # Masks lose their corners, and nothing else.
    lost = labels[(found.labels() == 0) & (labels > 0)]
    assert np.bincount(lost).max() <= 12


def test_an_object_wider_than_a_window_is_one():
    hw = (64, 200)
    image, labels = draw(hw, [])
    image[24:40, 20:180], labels[24:40, 20:180] = RED, 1
    session = Session.open(image, model=bright_region_model())
    backend = GroundingBackend(detector=ColorDetector())
    found = session.text("red block", backend=backend, levels=[0])
    assert len(found) == 1
    assert ((found.labels() > 0) == (labels > 0)).mean() > 0.99


def test_windows_that_reach_the_detectors_limit_are_divided():
    hw = (64, 64)
    blocks = many_blocks(hw, half=4, step=16)
    session = open_blocks(hw, blocks)
    limited = ColorDetector(capacity=6)
    once = GroundingBackend(
        settings=GroundingSettings(most_divisions=0), detector=limited
    )
    assert len(session.text("red block", backend=once)) == 6
    settings = GroundingSettings(smallest_side=8)
    divided = GroundingBackend(settings=settings, detector=limited)
    found = session.text("red block", backend=divided)
    assert len(found) == len(blocks) == 16
    assert _middles(found) == _middles(
        session.text("red block", backend=GroundingBackend(detector=ColorDetector()))
    )


def test_windows_that_do_not_are_looked_at_once():
    session, detector = open_blocks(), ColorDetector()
    session.text("red block", backend=GroundingBackend(detector=detector))
    assert detector.looks == len(session.plan_everything())


def test_quarters_cover_a_window_and_overlap():
    part = Window(10, 20, 40, 61)
    covered = np.zeros((100, 100), int)
    for quarter in quarters(part):
        rows = slice(quarter.y0, quarter.y0 + quarter.height)
        covered[rows, quarter.x0 : quarter.x0 + quarter.width] += 1
    inside = covered[10:50, 20:81]
    assert (inside >= 1).all()
    assert covered.sum() == inside.sum()
    assert (inside[15:25] >= 2).all()
    assert quarters(Window(0, 0, 1, 1)) == [Window(0, 0, 1, 1)]


def test_what_is_not_meant_is_left_out():
    session = open_blocks()
    backend = GroundingBackend(detector=ColorDetector())
    assert len(session.text("block", backend=backend)) == 4
    found = session.text("block", negative_phrases=["red block"], backend=backend)
    assert _middles(found) == [(12, 44), (44, 44)]


def test_moving_the_threshold_looks_at_nothing_again():
    session, detector = open_blocks(), ColorDetector()
    backend = GroundingBackend(detector=detector)
    found = session.find_text("red block", backend=backend)
    looks = detector.looks
    assert [found.count(t) for t in (0.9, 0.5, 0.3, 0.15)] == [0, 2, 2, 4]
    assert len(found.resolve(0.15)) == 4
    assert found.threshold == detector.threshold
    assert detector.looks == looks


def test_a_point_on_what_was_not_found_adds_it_and_raises_those_alike():
    session, detector = open_blocks(), ColorDetector()
    # At this threshold green blocks are not even kept.
    settings = GroundingSettings(threshold=0.5)
    backend = GroundingBackend(settings=settings, detector=detector)
    assert len(session.find_text("red block", backend=backend)) == 2
    looks = detector.looks
    found = session.text("red block", backend=backend, points_yx=[(12, 44)])
    assert _middles(found) == [(12, 12), (12, 44), (44, 12)]
    assert detector.looks == looks
    without = session.text(
        *("red block",), backend=backend, points_yx=[(12, 12)], point_labels=[0]
    )
    assert (12, 12) not in _middles(without)


def test_an_exemplar_box_is_found_itself():
    session = open_blocks()
    settings = GroundingSettings(threshold=0.5)
    backend = GroundingBackend(settings=settings, detector=ColorDetector())
    found = session.text("red block", backend=backend, exemplar_boxes=[(3, 35, 20, 52)])
    assert (12, 44) in _middles(found)
    score = dict(zip(_middles(found), found.table.more["text_score"], strict=True))
    assert score[12, 44] > 0.9


def test_nothing_found_says_what_to_do():
    session = open_blocks(blocks=[])
    found = session.text(
        "red block", backend=GroundingBackend(detector=ColorDetector())
    )
    assert not len(found)
    assert "found no 'red block' with a score of 0.15 or more" in found.hint
    # Nothing is embedded in vain.
    assert session.embeddings.embedded_count == 0


def test_only_the_region_is_searched():
    hw = (150, 210)
    session = open_blocks(hw, many_blocks(hw))
    detector = ColorDetector()
    found = session.text(
        "red block",
        backend=GroundingBackend(detector=detector),
        region=Window(0, 0, 40, 40),
        levels=[0],
    )
    assert 0 < len(found) < 9
    assert detector.looks == len(session.plan(Window(0, 0, 40, 40), levels=[0]))


def test_progress_and_cancelling():
    hw = (150, 210)
    session = open_blocks(hw, many_blocks(hw))
    backend = GroundingBackend(detector=ColorDetector())
    heard, stop = [], threading.Event()
    session.find_text("red block", backend=backend, progress=heard.append)
    assert [p.done for p in heard] == list(range(1, len(heard) + 1))
    assert heard[-1].done == heard[-1].total == len(session.plan_everything())
    assert heard[-1].masks > 0

    def after_two(progress):
        if progress.done == 2:
            stop.set()

    with pytest.raises(EverythingError, match="cancelled"):
        session.find_text("block", backend=backend, progress=after_two, cancelled=stop)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": 2.0}, "from 0 to 1"),
        ({"capacity": 0}, "from 1"),
        ({"most_divisions": 9}, "from 0 to 6"),
    ],
)
def test_settings_out_of_range(wrong, message):
    with pytest.raises(TextError, match=message):
        GroundingSettings(**wrong)
