"""The same run on clusters of this machine: identical masks."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from distributed import Client, LocalCluster

from tests.engine.embedding.scene import DeadlyModel, UnreadableSource, textured_image
from tests.engine.everything.run_scene import (
    build_run_scene,
    run_scene_on_disk,
    stored_masks,
)
from tilesam import Session
from tilesam.embedding.parcel import Parcel, pack
from tilesam.errors import EmbeddingError, ImageReadError
from tilesam.everything.mask_store import MemoryMaskStore
from tilesam.everything.settings import EverythingSettings
from tilesam.everything.work import segment_parcel
from tilesam.testing.models import bright_region_model

HW = (400, 400)


@contextmanager
def workers(count):
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    with workers(2) as client:
        yield client


@pytest.fixture
def scene(tmp_path):
    return run_scene_on_disk(tmp_path)


def local_masks(hw=(200, 150)):
    """Return every bit of a local run."""
    scene = build_run_scene(textured_image(hw))
    list(scene.run())
    return stored_masks(scene.masks)


def test_workers_store_what_a_local_run_stores(scene, client):
    *_, last = scene.run(client=client)
    assert stored_masks(scene.masks) == local_masks()
    assert (last.done, last.decoded, last.embedded) == (12, 12, 12)
    assert len(scene.embedding.store.keys()) == 12
    *_, last = scene.run(client=client)
    assert (last.present, last.embedded) == (12, 0)


def test_a_client_goes_on_with_what_a_local_run_began(scene, client):
    run = scene.run()
    next(run)
    run.close()
    began = len(scene.masks.keys())
    *_, last = scene.run(client=client)
    assert (last.present, last.decoded) == (began, 12 - began)
    assert stored_masks(scene.masks) == local_masks()


def test_a_killed_worker_costs_nothing_but_time(tmp_path, client):
    scene = run_scene_on_disk(tmp_path, hw=HW)
    for report in scene.run(client=client):
        if report.done == 5:
            os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)
    assert report.done == len(scene.plan)
    assert stored_masks(scene.masks) == local_masks(HW)


def test_errors_of_a_worker_arrive_as_they_are(scene, client):
    broken = scene.with_(source=UnreadableSource(scene.embedding.source))
    with pytest.raises(ImageReadError, match="chunk at"):
        list(broken.run(client=client))
    assert scene.masks.keys() == set()


@pytest.mark.slow
def test_a_tile_that_kills_every_worker_ends_the_run(scene):
    deadly = scene.with_(model=DeadlyModel(scene.embedding.model))
    with workers(1) as client, pytest.raises(EmbeddingError, match="KilledWorker"):
        list(deadly.run(client=client))


def test_masks_in_memory_cannot_travel(scene, client):
    kept = MemoryMaskStore(scene.masks.contents)
    with pytest.raises(EmbeddingError, match=r"all workers reach \(work="):
        list(scene.with_(masks=kept).run(client=client))


def test_a_parcel_of_files_is_a_few_kilobytes(scene):
    packed = pack(scene.job(torch_threads=1))
    model = pack(scene.embedding.model)
    assert len(packed) - len(model) < 10_000
    assert segment_parcel(scene.plan[0], Parcel(packed)).status == "decoded"
    assert scene.masks.keys() == {scene.plan[0]}


def test_a_session_finds_the_same_with_a_client(tmp_path, client):
    """Not only up to the order of labels."""
    image = np.zeros((200, 150), np.uint8)
    image[8:24, 8:24] = image[100:180, 20:120] = 255
    tifffile.imwrite(tmp_path / "a.tif", image)
    settings = EverythingSettings(points_per_side=8, stability_score_thresh=0.5)

    def found(name, **options):
        session = Session.open(
            tmp_path / "a.tif", model=bright_region_model(), store=tmp_path / name
        )
        return session.everything(settings=settings, **options)

    there = found("there", work=tmp_path / "work", client=client)
    here = found("here")
    assert len(here) == 3
    np.testing.assert_array_equal(there.labels(), here.labels())
    columns = here.table.columns()
    for name, column in there.table.columns().items():
        np.testing.assert_array_equal(column, columns[name], err_msg=name)
