"""Local runs: complete, resumable, and never waiting for the disk."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.engine.embedding.scene import (
    CountingModel,
    Delegate,
    StoreDelegate,
    build_scene,
    textured_image,
)
from tests.engine.everything.run_scene import (
    ASKED,
    RunScene,
    build_run_scene,
    run_scene_on_disk,
    stored_masks,
)
from tilesam import EmbeddingError, StoreWriteError
from tilesam.errors import EverythingError, ImageReadError, TilingError
from tilesam.everything.job import EverythingJob, TileResult
from tilesam.everything.progress import EverythingMeter
from tilesam.everything.run import segment_tiles
from tilesam.everything.settings import DecodeSettings
from tilesam.testing.models import tiny_random_model
from tilesam.types import TileKey

PATIENCE = 30.0


@pytest.fixture
def scene():
    scene = build_run_scene()
    return scene.with_(model=CountingModel(scene.embedding.model))


@pytest.fixture(scope="module")
def whole():
    """Return every bit of an uninterrupted run."""
    scene = build_run_scene()
    list(scene.run())
    return stored_masks(scene.masks)


def encoded(scene):
    return scene.embedding.model.calls["tiles"]


def test_every_tile_of_the_plan_is_decoded(scene, whole):
    reports = list(scene.run())
    last = reports[-1]
    assert stored_masks(scene.masks) == whole
    assert set(whole) == set(scene.plan)
    assert [report.done for report in reports] == list(range(1, 13))
    assert [report.outcome.key for report in reports] == scene.plan
    assert (last.total, last.decoded, last.embedded) == (12, 12, 12)
    assert last.masks == sum(len(scene.masks.read(key)) for key in scene.plan)
    assert last.seconds_left == 0
    assert 0 < last.decoder_share + last.encoder_share <= 1.1


def test_a_second_run_decodes_nothing(scene):
    *_, first = scene.run()
    *_, last = scene.run()
    assert (last.decoded, last.present, last.embedded) == (0, 12, 0)
    assert last.masks == first.masks
    assert last.decoder_share == last.encoder_share == 0


def test_no_pixels_are_read_twice(scene):
    reads = []

    class Counting(Delegate):
        def read_resampled(self, window, out_hw):
            reads.append(window)
            return self.inner.read_resampled(window, out_hw)

    list(scene.with_(source=Counting(scene.embedding.source)).run())
    assert len(reads) == len(set(reads)) == 12


def test_embeddings_of_a_run_before_are_used(scene, whole):
    list(scene.embedding.run())
    before = encoded(scene)
    *_, last = scene.run()
    assert (last.decoded, last.embedded) == (12, 0)
    assert encoded(scene) == before
    assert stored_masks(scene.masks) == whole


@pytest.mark.parametrize("stop_after", [1, 4, 11])
def test_an_interrupted_run_goes_on_with_what_is_missing(scene, whole, stop_after):
    run = scene.run()
    reported = [next(run).outcome.key for _ in range(stop_after)]
    run.close()
    before = len(scene.masks.keys())
    assert set(reported) <= scene.masks.keys()

    *_, last = scene.run()
    assert (last.present, last.decoded) == (before, 12 - before)
    assert stored_masks(scene.masks) == whole


def test_a_damaged_tile_is_decoded_again(tmp_path, whole, caplog):
    scene = run_scene_on_disk(tmp_path)
    list(scene.run())
    path = next((tmp_path / "work" / "level_0").iterdir())
    path.write_bytes(path.read_bytes()[:-3])
    again = run_scene_on_disk(tmp_path)
    *_, last = again.run()
    assert (last.decoded, last.present, last.embedded) == (1, 11, 0)
    assert "damaged" in caplog.text
    assert stored_masks(again.masks) == whole


def test_tiles_with_changed_pixels_are_decoded_again_and_told_once(scene, caplog):
    list(scene.run())
    image = textured_image()
    image[:40, :40] ^= 255
    other = scene.with_(source=build_scene(image).source)
    *_, last = other.run()
    assert (last.decoded, last.present) == (1, 11)
    fresh = build_run_scene(image)
    list(fresh.run())
    assert stored_masks(scene.masks) == stored_masks(fresh.masks)

    changed = scene.with_(source=build_scene(textured_image(seed=1)).source)
    caplog.clear()
    *_, last = changed.run()
    assert last.decoded == 12
    assert caplog.text.count("are not those that the store was made of") == 1


def test_the_event_stops_between_tiles(scene):
    cancelled, reported = threading.Event(), []
    for report in scene.run(cancelled=cancelled):
        reported.append(report.outcome.key)
        cancelled.set()
    assert 1 <= len(reported) < 12
    assert set(reported) == scene.masks.keys()


def test_a_run_that_was_cancelled_before_it_began_does_nothing(scene):
    cancelled = threading.Event()
    cancelled.set()
    assert list(scene.run(cancelled=cancelled)) == []
    assert encoded(scene) == 0


def report_until_the_end(run, reported):
    """Note each tile that a run reports, until it ends or raises."""
    for report in run:
        reported.append(report.outcome.key)


def test_ctrl_c_in_the_network_leaves_whole_tiles(scene, whole):
    class Interrupted(CountingModel):
        def embed(self, windows):
            if self.calls["tiles"] == 5:
                raise KeyboardInterrupt
            return super().embed(windows)

    reported = []
    with pytest.raises(KeyboardInterrupt):
        report_until_the_end(
            scene.with_(model=Interrupted(tiny_random_model(0))).run(), reported
        )
    stored = stored_masks(scene.masks)
    assert set(reported) <= set(stored) == set(scene.plan[:5])
    assert stored == {key: whole[key] for key in stored}


def test_a_tile_that_cannot_be_read_ends_the_run_after_those_before(scene):
    class Failing(Delegate):
        def read_resampled(self, window, out_hw):
            if window == scene.embedding.grid.window(scene.plan[6]):
                raise ImageReadError("chunk 3.4 cannot be read")
            return self.inner.read_resampled(window, out_hw)

    broken = scene.with_(source=Failing(scene.embedding.source))
    reported = []
    with pytest.raises(ImageReadError, match=r"chunk 3\.4"):
        report_until_the_end(broken.run(), reported)
    assert reported == scene.plan[:6]
    assert scene.masks.keys() == set(reported)


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(scene, whole):
    class Full(Delegate):
        def write(self, *arguments):
            if len(self.inner.keys()) >= 7:
                raise StoreWriteError("the disk is full")
            self.inner.write(*arguments)

    reported = []
    with pytest.raises(StoreWriteError, match="full"):
        report_until_the_end(scene.with_(masks=Full(scene.masks)).run(), reported)
    stored = stored_masks(scene.masks)
    assert set(reported) == set(stored)
    assert stored == {key: whole[key] for key in stored}


def test_the_next_tiles_are_read_while_the_network_works(scene):
    read = threading.Semaphore(0)

    class Announcing(Delegate):
        def read_resampled(self, window, out_hw):
            pixels = self.inner.read_resampled(window, out_hw)
            read.release()
            return pixels

    class Waiting(CountingModel):
        def embed(self, windows):
            # Its own tile and another one: nobody else could have read that.
            if not self.calls:
                assert read.acquire(timeout=PATIENCE)
                assert read.acquire(timeout=PATIENCE)
            return super().embed(windows)

    model = Waiting(tiny_random_model(0))
    list(scene.with_(source=Announcing(scene.embedding.source), model=model).run())


def test_two_runs_at_once_keep_what_one_keeps(whole):
    scene = build_run_scene()
    barrier = threading.Barrier(2)

    class Together(CountingModel):
        """Two networks that begin with the same tile at the same moment."""

        def embed(self, windows):
            if not self.calls:
                barrier.wait(PATIENCE)
            return super().embed(windows)

    models = [Together(tiny_random_model(0)) for _ in range(2)]
    threads = [
        threading.Thread(
            target=lambda model=model: list(scene.with_(model=model).run())
        )
        for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored_masks(scene.masks) == whole


def test_background_is_counted_when_it_is_left_out():
    scene = build_run_scene(np.full((200, 150, 3), 245, np.uint8))
    *_, last = scene.run(job_options={"skip_background": True})
    assert (last.done, last.skipped, last.masks) == (12, 12, 0)


def test_doubled_tiles_are_decoded_once_and_none_at_all_is_nothing(scene):
    *_, last = scene.run(plan=[*scene.plan[:2], *scene.plan[:2]])
    assert (last.total, last.decoded) == (2, 2)
    assert list(scene.run(plan=[])) == []


def test_wrong_calls_are_refused_before_anything_is_done(scene):
    with pytest.raises(TilingError):
        scene.run(plan=[TileKey(0, 99, 0)])
    with pytest.raises(EmbeddingError, match="no client"):
        scene.run(resources={"GPU": 1})
    with pytest.raises(EmbeddingError, match="another weights"):
        scene.with_(model=tiny_random_model(1)).run()


def test_masks_of_something_else_are_refused(scene):
    other = build_run_scene(textured_image((200, 151)))
    with pytest.raises(EverythingError, match="not of the same image and model"):
        scene.with_(masks=other.masks).run()
    deeper = EverythingJob(scene.embedding.job(), scene.masks, DecodeSettings())
    with pytest.raises(EverythingError, match="take its settings"):
        segment_tiles(scene.plan, deeper)


def test_how_many_points_at_a_time_is_free(scene, whole):
    by_seven = DecodeSettings.from_plain({**ASKED.to_plain(), "points_per_batch": 7})
    run = RunScene(scene.embedding, scene.masks, by_seven).run()
    assert len(list(run)) == 12
    assert set(stored_masks(scene.masks)) == set(whole)


def test_shares_are_of_the_time_that_passed():
    now = [100.0]
    meter = EverythingMeter(4, 3, clock=lambda: now[0])
    key = TileKey(0, 0, 0)
    now[0] += 2.0
    meter.add(
        TileResult(
            key, "decoded", 5, embedded=True, seconds_encoding=0.5, seconds_decoding=1.0
        ),
        was_missing=True,
    )
    now[0] += 2.0
    second = meter.add(
        TileResult(key, "decoded", 6, seconds_decoding=1.0), was_missing=True
    )
    assert (second.decoder_share, second.encoder_share) == (0.5, 0.125)
    assert (second.masks, second.embedded, second.decoded) == (11, 1, 2)
    assert second.seconds_left == pytest.approx(2.0)
    last = meter.add(TileResult(key, "present", 7), was_missing=False)
    assert (last.present, last.masks) == (1, 18)


def test_masks_are_kept_of_embeddings_that_are_not(scene):
    """A session's memory is bounded: an embedding may be gone, its masks are not."""

    class Forgetful(StoreDelegate):
        def write(self, *_):
            pass

    forgetful = scene.with_(store=Forgetful(scene.embedding.store))
    list(forgetful.run())
    *_, last = forgetful.run()
    assert last.present == 12
