from __future__ import annotations

import itertools
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.engine.embedding.scene import (
    CountingModel,
    Delegate,
    StoreDelegate,
    build_scene,
    scene_on_disk,
    stored_bytes,
    textured_image,
)
from tilesam import EmbeddingError, StoreWriteError
from tilesam.embedding.local import default_batch_size
from tilesam.embedding.run import embed_tiles
from tilesam.errors import ImageReadError, TilingError
from tilesam.store.layout import EMBEDDINGS, chunk_path
from tilesam.testing.models import tiny_random_model
from tilesam.types import TileKey

PATIENCE = 30.0
"""Seconds after which a test that waits for another thread has failed."""


@pytest.fixture
def scene():
    scene = build_scene()
    return scene.with_(model=CountingModel(scene.model))


@pytest.fixture(scope="module")
def whole():
    """Return every bit of an uninterrupted run."""
    scene = build_scene()
    list(scene.run())
    return stored_bytes(scene.store)


def test_every_tile_of_the_plan_is_stored(scene, whole):
    *_, last = scene.run()
    assert stored_bytes(scene.store) == whole
    assert set(whole) == set(scene.plan)
    assert (last.done, last.total, last.embedded) == (12, 12, 12)
    assert last.bytes_written == scene.store.nbytes
    assert last.seconds_left == 0
    assert 0 < last.encoder_share <= 1.1


def test_progress_comes_tile_by_tile_in_the_order_of_the_plan(scene):
    reports = list(scene.run())
    assert [report.done for report in reports] == list(range(1, 13))
    assert [report.outcome.key for report in reports] == scene.plan


def test_a_second_run_encodes_nothing(scene):
    list(scene.run())
    *_, last = scene.run()
    assert (last.embedded, last.present) == (0, 12)
    assert scene.model.calls["tiles"] == 12


@pytest.mark.parametrize("stop_after", [1, 4, 11])
def test_an_interrupted_run_goes_on_with_what_is_missing(scene, whole, stop_after):
    run = scene.run()
    reported = [next(run).outcome.key for _ in range(stop_after)]
    run.close()
    assert set(reported) <= scene.store.keys()
    before = len(scene.store.keys())
    calls = scene.model.calls["tiles"]

    *_, last = scene.run()
    assert scene.model.calls["tiles"] - calls == 12 - before == last.embedded
    assert stored_bytes(scene.store) == whole


def test_missing_tiles_come_first(scene):
    list(embed_tiles(scene.plan[:5], *scene.arguments))
    keys = [report.outcome.key for report in scene.run()]
    assert keys == scene.plan[5:] + scene.plan[:5]


def test_a_damaged_tile_is_embedded_again(tmp_path, whole, caplog):
    scene = scene_on_disk(tmp_path)
    list(scene.run())
    path = Path(chunk_path(scene.store.folder, EMBEDDINGS, scene.plan[4]))
    path.write_bytes(path.read_bytes()[:1000])
    *_, last = scene_on_disk(tmp_path).run()
    assert (last.embedded, last.present) == (1, 11)
    assert "damaged" in caplog.text
    assert stored_bytes(scene_on_disk(tmp_path).store) == whole


def test_an_image_with_limits_of_its_own_fits_its_store():
    image = textured_image().astype(np.uint16) * 11
    *_, last = build_scene(image[..., 0]).run()
    assert last.embedded == 12


def test_the_event_stops_between_tiles(scene):
    cancelled = threading.Event()
    reported = []
    for report in scene.run(cancelled=cancelled):
        reported.append(report.outcome.key)
        cancelled.set()
    assert 1 <= len(reported) < 12
    assert set(reported) == scene.store.keys()


def test_a_run_that_was_cancelled_before_it_began_does_nothing(scene):
    cancelled = threading.Event()
    cancelled.set()
    assert list(scene.run(cancelled=cancelled)) == []
    assert scene.model.calls["tiles"] == 0


def test_ctrl_c_in_the_encoder_leaves_a_valid_store(scene, whole):
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
    stored = stored_bytes(scene.store)
    assert set(reported) <= set(stored) == set(scene.plan[:5])
    assert stored == {key: whole[key] for key in stored}


def report_until_the_end(run, reported):
    """Note each tile that a run reports, until it ends or raises."""
    for report in run:
        reported.append(report.outcome.key)


def failing_source(scene, *, at):
    class Failing(Delegate):
        def read_resampled(self, window, out_hw):
            if window == scene.grid.window(scene.plan[at]):
                raise ImageReadError("chunk 3.4 cannot be read")
            return self.inner.read_resampled(window, out_hw)

    return Failing(scene.source)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_a_tile_that_cannot_be_read_ends_the_run_after_those_before(scene, batch_size):
    broken = scene.with_(source=failing_source(scene, at=6))
    reported = []
    with pytest.raises(ImageReadError, match=r"chunk 3\.4"):
        report_until_the_end(broken.run(batch_size=batch_size), reported)
    assert reported == scene.plan[:6]
    assert scene.store.keys() == set(reported)


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(scene, whole):
    class Full(StoreDelegate):
        def write(self, key, tile):
            if len(self.inner.keys()) >= 7:
                raise StoreWriteError("the disk is full")
            self.inner.write(key, tile)

    reported = []
    with pytest.raises(StoreWriteError, match="full"):
        report_until_the_end(scene.with_(store=Full(scene.store)).run(), reported)
    stored = stored_bytes(scene.store)
    assert set(reported) == set(stored)
    assert len(stored) >= 7
    assert stored == {key: whole[key] for key in stored}


def test_an_error_of_the_encoder_ends_the_run_after_those_before(scene):
    class Broken(CountingModel):
        def embed(self, windows):
            if self.calls["tiles"] == 3:
                raise RuntimeError("no kernel")
            return super().embed(windows)

    reported = []
    with pytest.raises(RuntimeError, match="no kernel"):
        report_until_the_end(
            scene.with_(model=Broken(tiny_random_model(0))).run(), reported
        )
    assert reported == scene.plan[:3]


def test_no_thread_survives_a_run(scene):
    def ours():
        return [t for t in threading.enumerate() if t.name.startswith("tilesam")]

    run = scene.run()
    next(run)
    assert ours()
    run.close()
    assert not ours()


def test_the_next_tiles_are_read_while_the_encoder_works(scene):
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
    list(scene.with_(source=Announcing(scene.source), model=model).run())


def test_no_more_is_read_ahead_than_the_encoder_needs():
    wide = build_scene(textured_image((64, 5000)))
    reads = itertools.count()
    most = 0

    class Counting(Delegate):
        def read_resampled(self, window, out_hw):
            nonlocal most
            most = next(reads) + 1
            return self.inner.read_resampled(window, out_hw)

    run = wide.with_(source=Counting(wide.source)).run()
    next(run)
    run.close()
    assert len(wide.plan) > 100
    assert most < 40


def test_the_encoder_goes_on_while_tiles_are_written(scene):
    encoded = threading.Semaphore(0)

    class Slow(StoreDelegate):
        def write(self, key, tile):
            # Two tiles encoded: this one, and the one after it.
            assert encoded.acquire(timeout=PATIENCE)
            self.inner.write(key, tile)

    class Announcing(CountingModel):
        def embed(self, windows):
            if self.calls["tiles"] > 0:
                encoded.release()
            if self.calls["tiles"] == 11:
                encoded.release()
            return super().embed(windows)

    model = Announcing(tiny_random_model(0))
    *_, last = scene.with_(store=Slow(scene.store), model=model).run()
    assert last.embedded == 12


def test_batches_hold_what_was_asked_for(scene):
    *_, last = scene.run(batch_size=5)
    assert last.embedded == 12
    assert scene.model.calls == {"batches": 3, "tiles": 12}


@pytest.mark.parametrize(
    ("device", "input_size", "expected"),
    [("cpu", 512, 1), ("cuda", 512, 16), ("mps", 1024, 4), ("cuda", 4096, 1)],
)
def test_batches_fit_the_device(device, input_size, expected):
    model = SimpleNamespace(device=torch.device(device), input_size=input_size)
    assert default_batch_size(model) == expected


def test_background_is_counted_when_it_is_left_out():
    scene = build_scene(np.full((200, 150, 3), 245, np.uint8))
    *_, last = scene.run(skip_background=True)
    assert (last.done, last.skipped, last.bytes_written) == (12, 12, 0)
    *_, last = scene.run()
    assert (last.embedded, last.skipped) == (12, 0)


def test_doubled_tiles_are_embedded_once(scene):
    plan = [*scene.plan[:2], *scene.plan[:2]]
    *_, last = embed_tiles(plan, *scene.arguments)
    assert (last.total, last.embedded) == (2, 2)


def test_an_empty_plan_has_nothing_to_say(scene):
    assert list(embed_tiles([], *scene.arguments)) == []


def test_two_runs_at_once_store_what_one_stores(whole):
    scene = build_scene()
    barrier = threading.Barrier(2)

    class Together(CountingModel):
        """Two encoders that begin with the same tile at the same moment."""

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
    assert stored_bytes(scene.store) == whole


def test_wrong_calls_are_refused_before_anything_is_done(scene):
    with pytest.raises(TilingError):
        embed_tiles([TileKey(0, 99, 0)], *scene.arguments)
    with pytest.raises(EmbeddingError, match="no client"):
        scene.run(resources={"GPU": 1})
    with pytest.raises(EmbeddingError, match="at least 1"):
        scene.run(batch_size=0)


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("weights", {"model": tiny_random_model(1)}),
        ("image", {"source": build_scene(textured_image((200, 151))).source}),
    ],
)
def test_a_store_of_something_else_is_refused(scene, what, parts):
    with pytest.raises(EmbeddingError, match=f"another {what}"):
        scene.with_(**parts).run()


def test_a_read_only_store_can_be_checked_but_not_filled(scene):
    class ReadOnly(StoreDelegate):
        is_writable = False

    closed = scene.with_(store=ReadOnly(scene.store))
    with pytest.raises(StoreWriteError, match="12 tiles are missing"):
        closed.run()
    list(scene.run())
    *_, last = closed.run()
    assert last.present == 12
