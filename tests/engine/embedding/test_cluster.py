"""The same run on clusters of this machine: identical bits, and hard to kill."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import contextmanager

import dask
import pytest
from distributed import Client, LocalCluster

from tests.engine.embedding.scene import (
    CountingModel,
    DeadlyModel,
    UnreadableSource,
    build_scene,
    scene_on_disk,
    stored_bytes,
    textured_image,
)
from tilesam import EmbeddingError, load_model
from tilesam.embedding import cluster as cluster_module
from tilesam.embedding.cluster import connect
from tilesam.embedding.estimate import estimate_embedding
from tilesam.embedding.parcel import Parcel, embed_parcel, pack
from tilesam.errors import ImageReadError
from tilesam.testing.models import tiny_random_model

MANY_TILES_HW = (500, 700)


@contextmanager
def workers(count, **options):
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            **options,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def shared_client():
    """Return the client of one worker, which is made two by `two_workers`."""
    with workers(1, resources={"GPU": 1}) as client:
        yield client


@pytest.fixture(scope="module")
def two_workers(shared_client):
    shared_client.cluster.scale(2)
    shared_client.wait_for_workers(2)
    return shared_client


@pytest.fixture
def scene(tmp_path):
    return scene_on_disk(tmp_path)


def local_bytes(*, hw=(200, 150), model=None, **options):
    """Return every bit of a local run."""
    scene = build_scene(textured_image(hw), model=model)
    list(scene.run(**options))
    return stored_bytes(scene.store)


def kill_one_worker(client):
    os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)


def test_one_worker_stores_what_a_local_run_stores(scene, shared_client):
    *_, last = scene.run(client=shared_client)
    assert stored_bytes(scene.store) == local_bytes()
    assert (last.done, last.embedded) == (12, 12)
    assert last.bytes_written == 12 * scene.store.contents.tile_nbytes


def test_a_second_run_embeds_nothing(scene, shared_client):
    list(scene.run())
    *_, last = scene.run(client=shared_client)
    assert (last.present, last.embedded) == (12, 0)


def test_a_client_goes_on_with_what_a_local_run_began(scene, shared_client):
    run = scene.run()
    next(run)
    run.close()
    began = len(scene.store.keys())
    *_, last = scene.run(client=shared_client)
    assert (last.present, last.embedded) == (began, 12 - began)
    assert stored_bytes(scene.store) == local_bytes()


def test_workers_use_as_many_threads_as_the_caller(tmp_path, shared_client):
    """Dask gives them one; a larger input is summed up differently by two."""
    model = tiny_random_model(0, input_size=256)
    scene = scene_on_disk(tmp_path, hw=(256, 256), model=model)
    list(scene.run(client=shared_client, torch_threads=2))
    assert stored_bytes(scene.store) == local_bytes(
        hw=(256, 256), model=model, torch_threads=2
    )


def test_errors_of_a_worker_arrive_as_they_are(scene, shared_client):
    broken = scene.with_(source=UnreadableSource(scene.source))
    with pytest.raises(ImageReadError, match="chunk at"):
        list(broken.run(client=shared_client))
    assert scene.store.keys() == set()


def test_other_errors_say_what_a_worker_needs(scene, shared_client, monkeypatch):
    monkeypatch.setattr(cluster_module, "embed_parcel", lambda *_: 1 / 0)
    with pytest.raises(EmbeddingError, match=r"ZeroDivisionError.*packages"):
        list(scene.run(client=shared_client))


def test_a_closed_run_leaves_nothing_on_the_cluster(tmp_path, shared_client):
    scene = scene_on_disk(tmp_path, hw=MANY_TILES_HW)
    before = set(shared_client.futures)
    run = scene.run(client=shared_client)
    reported = [next(run).outcome.key for _ in range(3)]
    run.close()
    assert set(reported) <= scene.store.keys()
    assert len(scene.store.keys()) < len(scene.plan)
    assert set(shared_client.futures) <= before


def test_the_event_stops_a_run_that_waits_for_workers(scene):
    cancelled = threading.Event()
    with workers(0) as client:
        timer = threading.Timer(0.5, cancelled.set)
        timer.start()
        assert list(scene.run(client=client, cancelled=cancelled)) == []
        timer.join()


def test_two_workers_share_the_work(tmp_path, two_workers):
    scene = scene_on_disk(tmp_path, hw=MANY_TILES_HW)
    done = two_workers.run(completed_tasks)
    *_, last = scene.run(client=two_workers, resources={"GPU": 1})
    after = two_workers.run(completed_tasks)
    assert last.embedded == len(scene.plan)
    assert all(after[address] - done[address] > 10 for address in done)
    assert stored_bytes(scene.store) == local_bytes(hw=MANY_TILES_HW)


def completed_tasks(dask_worker):
    return dask_worker.state.executed_count


def test_a_killed_worker_costs_nothing_but_time(tmp_path, two_workers):
    scene = scene_on_disk(tmp_path, hw=MANY_TILES_HW)
    for report in scene.run(client=two_workers):
        if report.done == 5:
            kill_one_worker(two_workers)
    assert report.done == len(scene.plan)
    assert stored_bytes(scene.store) == local_bytes(hw=MANY_TILES_HW)


@pytest.mark.slow
def test_four_workers_of_which_one_dies_again_and_again(tmp_path):
    hw = (1500, 1500)
    scene = scene_on_disk(tmp_path, hw=hw)
    with workers(4) as client:
        for report in scene.run(client=client):
            if report.done in (5, 200, 500):
                kill_one_worker(client)
    assert report.done == len(scene.plan) > 700
    assert stored_bytes(scene.store) == local_bytes(hw=hw)


@pytest.mark.slow
def test_a_tile_that_kills_every_worker_ends_the_run(scene):
    deadly = scene.with_(model=DeadlyModel(scene.model))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        workers(1) as client,
        pytest.raises(EmbeddingError, match=r"KilledWorker.*memory"),
    ):
        list(deadly.run(client=client))


@pytest.mark.slow
def test_a_scheduler_that_goes_away_ends_the_run(scene):
    with workers(1) as client:
        run = scene.with_(model=scene.model).run(client=client)
        next(run)
        client.cluster.close()
        with pytest.raises(EmbeddingError, match="the cluster failed"):
            list(run)


def test_a_store_in_memory_cannot_travel(shared_client):
    scene = build_scene()
    with pytest.raises(EmbeddingError, match=r"open_store.*by their paths"):
        list(scene.run(client=shared_client))


def test_other_clients_are_refused(scene):
    class Asynchronous:
        asynchronous = True
        submit = nthreads = print

    for client in (object(), Asynchronous()):
        with pytest.raises(EmbeddingError, match=r"dask\.distributed\.Client"):
            list(scene.run(client=client))


def test_batches_are_a_local_matter(scene, shared_client):
    with pytest.raises(EmbeddingError, match="batch_size"):
        scene.run(client=shared_client, batch_size=2)


def test_an_estimate_without_a_model_leaves_the_time_open(scene):
    assert estimate_embedding(scene.plan, scene.store, None).seconds is None


def test_a_parcel_is_unpacked_once_and_travels_packed(scene):
    parcel = Parcel(pack(scene.job()))
    assert parcel.open() is parcel.open()
    copy = pickle.loads(pickle.dumps(parcel))
    assert copy.open() is not parcel.open()
    assert copy.open().grid == scene.grid
    assert sys.getsizeof(copy) >= len(pack(scene.job()))


def test_a_parcel_of_files_is_a_few_kilobytes(tmp_path):
    scene = scene_on_disk(tmp_path, model=load_model("tiny", device="cpu"))
    packed = pack(scene.job(torch_threads=1))
    assert len(packed) < 10_000
    for key in scene.plan:
        assert embed_parcel(key, Parcel(packed)).status == "embedded"
    stored = stored_bytes(scene.store)
    assert stored == local_bytes(model=scene.model, torch_threads=1)


def test_a_heavy_parcel_is_told(scene, caplog):
    heavy = scene.with_(model=CountingModel([0] * 20_000_000))
    pack(heavy.job())
    assert "open image and model by path" in caplog.text


def test_an_address_connects_or_says_what_is_missing(shared_client, monkeypatch):
    client = connect(shared_client.scheduler.address)
    assert client.status == "running"
    client.close()
    with pytest.raises(EmbeddingError, match=r"no scheduler answers at 'tcp://127"):
        connect("tcp://127.0.0.1:9", timeout_s=0.3)
    with pytest.raises(EmbeddingError, match="no scheduler answers at 'nonsense://'"):
        connect("nonsense://", timeout_s=0.3)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EmbeddingError, match=r"napari-sam-tiles\[distributed\]"):
        connect("tcp://127.0.0.1:9")
