"""A program killed with no warning has lost the action that it was at, and no other."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.engine.annotation.drawing_process import SHAPE, meant
from tests.engine.annotation.making import build_document
from tilesam.annotation import (
    ArrayTarget,
    LabelsRecord,
    SessionFile,
    load_session,
    new_label_array,
    open_label_array,
    replay,
)

if os.name != "posix":
    pytest.skip("processes are killed here", allow_module_level=True)

ROOT = Path(__file__).parents[3]
ROUNDS = 3
LEAST = 10
"""Objects in each round, so that some are saved and some only recorded."""


def draw_and_kill(path, seconds):
    """Return the last object that the process said it had accepted.

    It is killed some time after its first objects, in whatever it does then.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.annotation.drawing_process", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    first = b"".join(process.stdout.readline() for _ in range(LEAST))
    time.sleep(seconds)
    process.kill()
    rest, _ = process.communicate()
    return [int(line) for line in (first + rest).splitlines()][-1]


def test_a_kill_loses_the_last_action_at_most(tmp_path):
    chance = random.Random(0)
    path = tmp_path / "work.sam.json"
    new_label_array(SHAPE, path=tmp_path / "labels.zarr")
    labels = LabelsRecord(SHAPE, path=tmp_path / "labels.zarr")
    SessionFile.create(path, build_document(SHAPE, labels=labels)).close()
    for number in range(1, ROUNDS + 1):
        said = draw_and_kill(path, chance.uniform(0, 0.1))
        loaded = load_session(path)
        array = open_label_array(loaded.document.labels)
        rows = replay(loaded, ArrayTarget(array)).rows
        assert said >= number * LEAST
        # One more may be on the disk than it had time to say.
        assert rows.highest in (said, said + 1)
        assert np.array_equal(array[:], meant(rows.highest))
        for row in rows:
            assert row.area == np.count_nonzero(array[:] == row.label) > 0
