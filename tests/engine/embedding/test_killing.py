"""Processes killed with no warning, and several at once: nothing valid is ever lost."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest

if os.name != "posix":
    pytest.skip("processes are forked and killed here", allow_module_level=True)

from tests.engine.embedding.filling import CONTEXT, Filler
from tests.engine.embedding.scene import (
    CountingModel,
    scene_on_disk,
    stored_bytes,
)

HW = (300, 300)
PATIENCE = 60.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return an image's folder and every bit of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    scene = scene_on_disk(folder, hw=HW)
    list(scene.run(torch_threads=1))
    return folder, stored_bytes(scene.store)


def empty_copy(whole, folder):
    folder.mkdir()
    shutil.copy(whole[0] / "image.tif", folder)
    return folder


def kill_and_resume(whole, folder, chance, caplog):
    """Return how many tiles there were when the process was killed."""
    seconds = chance.choice([0.0, 0.002, 0.01])
    filler = Filler.start(folder, seconds_per_tile=seconds)
    assert filler.ready.wait(PATIENCE)
    time.sleep(chance.uniform(0, 0.2))
    filler.process.kill()
    filler.process.join()

    scene = scene_on_disk(folder)
    left = stored_bytes(scene.store)
    assert left == {key: whole[1][key] for key in left}
    counting = CountingModel(scene.model)
    run = scene.with_(model=counting).run(torch_threads=1)
    embedded = sum(report.outcome.status == "embedded" for report in run)
    assert counting.calls["tiles"] == embedded == len(whole[1]) - len(left)
    assert stored_bytes(scene.store) == whole[1]
    assert not [r for r in caplog.records if r.name.startswith("tilesam")]
    return len(left)


def test_after_a_kill_only_missing_tiles_are_computed(whole, tmp_path, caplog):
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


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("is_staggered", [False, True])
def test_processes_that_fill_one_store_share_the_work(
    whole, tmp_path, count, is_staggered
):
    folder = empty_copy(whole, tmp_path / "store")
    go = [CONTEXT.Event() for _ in range(count)]
    fillers = [Filler.start(folder, seconds_per_tile=0.02, go=each) for each in go]
    assert all(filler.ready.wait(PATIENCE) for filler in fillers)
    for each in go:
        each.set()
        time.sleep(0.03 * is_staggered)
    for filler in fillers:
        filler.process.join()
    assert [filler.process.exitcode for filler in fillers] == [0] * count
    assert stored_bytes(scene_on_disk(folder).store) == whole[1]
    if is_staggered:  # at exactly the same pace they would see each other too late
        assert sum(f.encoded.value for f in fillers) < (1.3 + 0.2 * count) * len(
            whole[1]
        )


@pytest.mark.slow
def test_one_of_two_processes_is_killed_and_the_other_does_it_all(whole, tmp_path):
    for number in range(5):
        folder = empty_copy(whole, tmp_path / str(number))
        victim, other = (Filler.start(folder, seconds_per_tile=0.005) for _ in range(2))
        assert victim.ready.wait(PATIENCE)
        time.sleep(0.05 * number)
        victim.process.kill()
        victim.process.join()
        other.process.join()
        assert other.process.exitcode == 0
        assert stored_bytes(scene_on_disk(folder).store) == whole[1]
