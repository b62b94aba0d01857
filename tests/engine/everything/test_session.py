"""Everything through a session, with a network whose answers are known."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tifffile

from tilesam import Session, TilingError
from tilesam.errors import EverythingError
from tilesam.everything.settings import EverythingSettings
from tilesam.testing.models import bright_region_model, tiny_random_model
from tilesam.types import Window

HW = (200, 150)
SQUARES = [(8, 8, 24, 24), (28, 100, 44, 116), (40, 52, 60, 80), (100, 20, 180, 120)]
"""The last one is larger than a window."""

# Small squares have soft borders at the decoder's resolution.
SETTINGS = EverythingSettings(points_per_side=8, stability_score_thresh=0.5)


def bright_squares():
    image = np.zeros(HW, np.uint8)
    for y0, x0, y1, x1 in SQUARES:
        image[y0:y1, x0:x1] = 255
    return image


@pytest.fixture
def session():
    return Session.open(bright_squares(), model=bright_region_model())


@pytest.fixture(scope="module")
def expected():
    session = Session.open(bright_squares(), model=bright_region_model())
    return session.everything(settings=SETTINGS)


def require_same(one, other):
    np.testing.assert_array_equal(one.labels(), other.labels())
    others = other.table.columns()
    for name, column in one.table.columns().items():
        np.testing.assert_array_equal(column, others[name], err_msg=name)


@pytest.fixture
def no_decoder(monkeypatch):
    """Return a function after which the decoder must not be asked again."""

    def forbid():
        def fail(*_):
            raise AssertionError("decoded again")

        monkeypatch.setattr("tilesam.everything.work.decode_tile", fail)

    return forbid


def test_every_square_is_one_object_and_owns_its_pixels(expected):
    labels = expected.labels()
    assert labels.shape == HW
    for y0, x0, y1, x1 in SQUARES:
        owners, counts = np.unique(labels[y0:y1, x0:x1], return_counts=True)
        owner = owners[counts.argmax()]
        truth = np.zeros(HW, np.bool_)
        truth[y0:y1, x0:x1] = True
        found = labels == owner
        assert (truth & found).sum() / (truth | found).sum() > 0.75
    assert len(expected) == len(SQUARES) + 1  # the background is all that is dark
    assert expected.model_name == "bright_region"
    assert expected.hint is None


def test_thresholds_are_moved_without_decoding_again(session, no_decoder):
    decoded = session.decode_everything(settings=SETTINGS)
    no_decoder()
    all_of_them = decoded.resolve()
    strict = EverythingSettings(points_per_side=8, stability_score_thresh=0.999)
    nothing = decoded.resolve(strict)
    assert len(all_of_them) > len(nothing) == 0
    assert "stability_score_thresh 0.999 removed all" in nothing.hint
    require_same(decoded.resolve(SETTINGS, image_name="a.tif"), all_of_them)
    largest = EverythingSettings(
        points_per_side=8, stability_score_thresh=0.5, overlap="largest"
    )
    assert (decoded.resolve(largest).labels() > 0).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"stability_score_thresh": 0.4},
            "stability_score_thresh is 0.4.*decode again",
        ),
        ({"pred_iou_thresh": 0.5}, "pred_iou_thresh is 0.5.*decode again"),
        ({"points_per_side": 4}, "points_per_side is 4.*asked with 8"),
        ({"stability_score_offset": 2.0}, "stability_score_offset is 2.0"),
    ],
)
def test_what_was_not_asked_is_refused(session, changes, words):
    decoded = session.decode_everything(settings=SETTINGS)
    wanted = {"points_per_side": 8, "stability_score_thresh": 0.5, **changes}
    with pytest.raises(EverythingError, match=words):
        decoded.resolve(EverythingSettings(**wanted))


def test_adjustable_masks_can_be_judged_less_strictly(session, expected, no_decoder):
    strict = EverythingSettings(points_per_side=8, stability_score_thresh=0.8)
    decoded = session.decode_everything(settings=strict, adjustable=True)
    no_decoder()
    assert len(decoded.resolve()) < len(expected)
    require_same(decoded.resolve(SETTINGS), expected)


def test_a_folder_is_gone_on_with(session, expected, tmp_path, no_decoder):
    work = tmp_path / "work"

    class StoppedError(Exception):
        pass

    def stop(progress):
        if progress.done == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        session.everything(settings=SETTINGS, work=work, progress=stop)
    last = session.decode_everything(settings=SETTINGS, work=work).progress
    assert last.present >= 6
    assert (
        last.present + last.decoded == last.total == len(session.plan(levels=range(3)))
    )
    no_decoder()
    require_same(session.everything(settings=SETTINGS, work=work), expected)
    # Higher thresholds need nothing that is not there.
    strict = EverythingSettings(points_per_side=8)
    assert len(session.everything(settings=strict, work=work)) < len(expected)


def test_a_folder_of_another_question_or_model_is_refused(session, tmp_path):
    session.decode_everything(settings=SETTINGS, work=tmp_path / "work")
    other = EverythingSettings(points_per_side=4)
    with pytest.raises(EverythingError, match="points_per_side 8"):
        session.everything(settings=other, work=tmp_path / "work")
    stranger = Session.open(bright_squares(), model=tiny_random_model(1))
    with pytest.raises(EverythingError, match="another model"):
        stranger.everything(settings=SETTINGS, work=tmp_path / "work")


def test_masks_that_were_removed_are_told(session, tmp_path):
    decoded = session.decode_everything(settings=SETTINGS, work=tmp_path / "work")
    decoded.masks.remove()
    with pytest.raises(EverythingError, match=r"removed or damaged.*decode again"):
        decoded.resolve()


def test_a_cancelled_run_is_gone_on_with(session, expected, tmp_path):
    cancelled = threading.Event()
    options = {"settings": SETTINGS, "work": tmp_path / "work"}
    decoded = session.decode_everything(
        **options, cancelled=cancelled, progress=lambda _: cancelled.set()
    )
    assert decoded.missing > 0
    with pytest.raises(EverythingError, match="cancelled; the same call goes on"):
        decoded.resolve()
    require_same(session.everything(**options), expected)


def test_embeddings_of_the_session_are_used_and_kept(session, expected):
    session.embed()
    decoded = session.decode_everything(settings=SETTINGS)
    assert decoded.progress.embedded == decoded.progress.total - len(session.plan())
    require_same(decoded.resolve(), expected)
    again = session.decode_everything(settings=SETTINGS)
    assert again.progress.embedded == 0


def test_a_region_has_the_objects_that_reach_into_it(session):
    found = session.everything(Window(0, 0, 30, 30), settings=SETTINGS)
    boxes = found.table.extents_yxyx[found.kept].tolist()
    assert [8, 8, 24, 24] in boxes
    assert all(y0 < 30 and x0 < 30 for y0, x0, _, _ in boxes)
    for window in (Window(500, 0, 10, 10), Window(0, 0, 0, 5)):
        with pytest.raises(TilingError, match="no pixel of the image"):
            session.everything(window, settings=SETTINGS)


def test_levels_can_be_chosen_and_have_to_exist(session):
    decoded = session.decode_everything(settings=SETTINGS, levels=[2])
    assert [key.level for key in decoded.keys] == [2]
    with pytest.raises(TilingError, match="no level 9"):
        session.everything(settings=SETTINGS, levels=[0, 9])


def test_the_object_diameter_sets_the_finest_level():
    session = Session.open(
        bright_squares(), model=bright_region_model(), object_diameter=30
    )
    decoded = session.decode_everything(settings=SETTINGS)
    assert {key.level for key in decoded.keys} == {1, 2}


def test_bare_glass_is_an_empty_result_with_a_hint():
    session = Session.open(
        np.full((*HW, 3), 245, np.uint8), model=bright_region_model()
    )
    found = session.everything(settings=SETTINGS, skip_background=True)
    assert len(found) == 0
    assert "background" in found.hint
    assert not found.labels().any()


def test_files_and_memory_give_the_same(tmp_path, expected):
    tifffile.imwrite(tmp_path / "a.tif", bright_squares())
    session = Session.open(
        tmp_path / "a.tif", model=bright_region_model(), store=tmp_path / "store"
    )
    found = session.everything(settings=SETTINGS, work=tmp_path / "work")
    require_same(found, expected)
