"""The embedded backend in a session: nuclei are found, unknown things are not."""

from __future__ import annotations

import numpy as np
import pytest

from tilesam.errors import TextError
from tilesam.evaluation.text import match
from tilesam.everything.settings import EverythingSettings
from tilesam.masks.run_masks import RunMasks
from tilesam.session import Session

FEW_POINTS = EverythingSettings(points_per_side=12)
NUCLEI = [(y, x) for y in (30, 80, 140, 200) for x in (40, 110, 190)]


@pytest.fixture(scope="module")
def session():
    return Session.open(fluorescent_nuclei()[0])


def fluorescent_nuclei():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:240, :240]
    light = np.full((240, 240), 12.0)
    labels = np.zeros((240, 240), np.int32)
    for number, (cy, cx) in enumerate(NUCLEI, start=1):
        inside = ((y - cy) / 14) ** 2 + ((x - cx) / 11) ** 2 <= 1
        light[inside] = 110
        labels[inside] = number
    light += rng.normal(scale=3, size=light.shape)
    image = np.clip(light, 0, 255).astype(np.uint8)
    return np.repeat(image[..., None], 3, axis=2), labels


def find(session, phrase, **options):
    return session.find_text(phrase, settings=FEW_POINTS, **options)


def test_nuclei_are_found_and_leaves_are_not(session):
    truth, _ = RunMasks.from_labels(fluorescent_nuclei()[1])
    nuclei = session.text("nuclei", settings=FEW_POINTS)
    assert match(nuclei.masks, truth).sum() >= 10
    assert len(nuclei) <= 14
    assert nuclei.notice is None
    assert set(nuclei.table.more) == {"text_score", "score"}
    assert len(session.text("leaf", settings=FEW_POINTS)) == 0
    assert len(session.text("buildings", settings=FEW_POINTS)) == 0


def test_other_phrases_decode_nothing_again(session, monkeypatch):
    find(session, "nuclei")
    monkeypatch.setattr(session, "decode_everything", fail)
    scored = find(session, "dark round nuclei")
    assert scored.count(0.0) >= scored.count(0.5)


@pytest.mark.parametrize("phrase", ["mitochondria", "🙂", "细胞核", "red"])
def test_unknown_things_are_answered_by_a_notice_at_once(session, monkeypatch, phrase):
    monkeypatch.setattr(session, "decode_everything", fail)
    found = session.text(phrase)
    assert len(found) == 0
    assert "not known to the embedded model" in found.notice
    assert "napari-sam-tiles[text]" in found.notice
    assert found.hint == found.notice


def test_unknown_words_beside_a_known_thing_are_named(session):
    found = session.text("fluffy nuclei", settings=FEW_POINTS)
    assert len(found) > 0
    assert "'fluffy'" in found.notice


def test_what_is_not_meant_lowers_scores(session):
    plain = find(session, "nuclei")
    less = find(session, "nuclei", negative_phrases=["fluorescent nuclei"])
    assert (less.text_score <= plain.text_score).all()
    assert less.text_score.max() < plain.text_score.max()


def test_points_correct(session):
    plain = find(session, "nuclei")
    one, other = (float(v) for v in NUCLEI[0]), (float(v) for v in NUCLEI[5])
    more = find(session, "nuclei", points_yx=[tuple(one)])
    less = find(session, "nuclei", points_yx=[tuple(other)], point_labels=[0])
    assert (more.text_score >= plain.text_score).all()
    assert less.count() < plain.count()


def test_an_exemplar_is_averaged_with_the_phrase(session):
    plain = find(session, "object")
    shown = find(session, "object", exemplar_boxes=[[15, 28, 45, 52]])
    assert not np.allclose(plain.text_score, shown.text_score)
    assert shown.count() >= 8


def test_decoding_again_keeps_the_objects(session):
    truth, _ = RunMasks.from_labels(fluorescent_nuclei()[1])
    plain, again = find(session, "nuclei"), find(session, "nuclei", redecode=True)
    assert match(again.resolve().masks, truth).sum() >= 10
    assert not np.array_equal(again.predicted_iou, plain.predicted_iou)


def test_bad_phrases_are_refused(session):
    for phrase in ("", "x" * 10_000):
        with pytest.raises(TextError):
            session.text(phrase)


def test_an_image_of_nothing_gives_nothing():
    blank = Session.open(np.zeros((64, 64, 3), np.uint8))
    found = blank.text("nuclei", settings=EverythingSettings(points_per_side=4))
    assert len(found) == 0
    assert found.hint


def fail(*_, **__):
    raise AssertionError("decoded again")
