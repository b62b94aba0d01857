"""Processes killed with no warning, and two at once: nothing whole is ever lost."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest

if os.name != "posix":
    pytest.skip("processes are forked and killed here", allow_module_level=True)

from tests.engine.everything.filling import start
from tests.engine.everything.run_scene import run_scene_on_disk, stored_masks

HW = (250, 250)
PATIENCE = 60.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return an image's folder and every bit of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    scene = run_scene_on_disk(folder, hw=HW)
    list(scene.run(job_options={"torch_threads": 1}))
    return folder, stored_masks(scene.masks)


def empty_copy(whole, folder):
    folder.mkdir()
    shutil.copy(whole[0] / "image.tif", folder)
    return folder


def kill_and_resume(whole, folder, chance, caplog):
    """Return how many tiles there were when the process was killed."""
    process, ready, _ = start(folder, seconds_per_tile=chance.choice([0.0, 0.01]))
    assert ready.wait(PATIENCE)
    time.sleep(chance.uniform(0, 0.6))
    process.kill()
    process.join()

    scene = run_scene_on_disk(folder)
    left = stored_masks(scene.masks)
    assert left == {key: whole[1][key] for key in left}
    embeddings = scene.embedding.store.keys()
    assert left.keys() <= embeddings
    reports = list(scene.run(job_options={"torch_threads": 1}))
    decoded = {r.outcome.key for r in reports if r.outcome.status == "decoded"}
    assert decoded == whole[1].keys() - left.keys()
    assert reports[-1].embedded == len(whole[1]) - len(embeddings)
    assert stored_masks(scene.masks) == whole[1]
    assert not [r for r in caplog.records if r.name.startswith("tilesam")]
    return len(left)


def test_after_a_kill_only_missing_tiles_are_decoded(whole, tmp_path, caplog):
    chance = random.Random(0)
    for number in range(3):
        folder = empty_copy(whole, tmp_path / str(number))
        kill_and_resume(whole, folder, chance, caplog)


@pytest.mark.slow
def test_kills_at_thirty_random_moments(whole, tmp_path, caplog):
    chance = random.Random(1)
    left = [
        kill_and_resume(whole, empty_copy(whole, tmp_path / str(n)), chance, caplog)
        for n in range(30)
    ]
    assert len(set(left)) > 5  # the moments were different ones


def test_two_processes_share_one_folder(whole, tmp_path):
    folder = empty_copy(whole, tmp_path / "both")
    first, _, first_count = start(folder, seconds_per_tile=0.05)
    deadline = time.monotonic() + PATIENCE
    while first_count.value < 5 and time.monotonic() < deadline:
        time.sleep(0.005)
    second, _, second_count = start(folder, seconds_per_tile=0.05)
    for process in (first, second):
        process.join()
        assert process.exitcode == 0
    assert stored_masks(run_scene_on_disk(folder).masks) == whole[1]
    assert first_count.value + second_count.value < 1.6 * len(whole[1])
