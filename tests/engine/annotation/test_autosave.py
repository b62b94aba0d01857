"""A session on the disk at any moment: what is found there is what somebody had."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.annotation.making import (
    SHAPE,
    actions,
    box,
    build_bench,
    build_document,
    build_prompts,
    foreign_labels,
    paint_foreign,
)
from tilesam.annotation import (
    ArrayTarget,
    Autosave,
    LabelsRecord,
    SessionFile,
    autosave,
    collect_objects,
    load_session,
    replay,
)
from tilesam.errors import SessionFileError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "work.sam.json"


def describer(bench, **changes):
    def describe():
        return build_document(
            objects=collect_objects(bench.objects.target, bench.rows),
            labels=LabelsRecord(SHAPE, "uint16", None, bench.rows.foreign_highest),
            **changes,
        )

    return describe


def found_in(path):
    """Return labels, rows, prompts and settings that a fresh process would find."""
    labels = np.zeros(SHAPE, np.uint16)
    again = replay(load_session(path), ArrayTarget(labels))
    return labels.tolist(), list(again.rows), again.prompts, again.settings


def refuse_to_write(monkeypatch):
    def fail(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


@given(foreign_labels, st.lists(actions, max_size=12), st.lists(actions, max_size=6))
@settings(max_examples=30)
def test_after_every_step_all_of_it_is_there(tmp_path_factory, foreign, first, then):
    path = tmp_path_factory.mktemp("session") / "work.sam.json"
    bench = build_bench(paint_foreign(foreign))
    saving = Autosave.begin(path, bench.history, describer(bench))
    for action in first:
        bench.act(action)
        assert found_in(path)[:2] == bench.state[:2]
    saving.close()
    bench.act(("accept", 0, (0, 0), (1, 1), "overwrite", None))
    file = SessionFile.open(path)
    again = build_bench(np.zeros(SHAPE, np.uint16))
    replayed = replay(file.loaded, again.objects.target)
    again.rows, again.history = replayed.rows, replayed.history
    again.objects.rows = replayed.rows
    saving = Autosave.resume(file, again.history, describer(again))
    for action in then:
        again.act(action)
        assert found_in(path)[:2] == again.state[:2]
    saving.close()


def test_prompts_and_settings_are_kept_before_there_are_labels(path):
    saving = Autosave.begin(path, None, build_document)
    saving.record_prompts(build_prompts())
    saving.record_settings({"model": "tiny"})
    *_, prompts, found = found_in(path)
    assert prompts.points_yx.tolist() == [[3.0, 4.5]]
    assert found == {"model": "tiny"}
    saving.record_prompts(None)
    assert found_in(path)[2] is None
    saving.close()


def test_another_history_is_followed_with_all_that_it_has(path):
    saving = Autosave.begin(path, None, build_document)
    bench = build_bench(paint_foreign([(0, (1, 1), (2, 2), 3)]))
    bench.act(("accept", 1, (0, 0), (3, 3), "keep", None))
    saving._describe = describer(bench)
    saving.follow(bench.history)
    bench.act(("accept", 0, (4, 4), (2, 2), "keep", None))
    assert found_in(path)[:2] == bench.state[:2]
    saving.close()
    assert bench.history.record is None


def test_a_long_journal_becomes_part_of_the_document(path, monkeypatch):
    monkeypatch.setattr(autosave, "MOST_ACTIONS", 2)
    bench = build_bench()
    saving = Autosave.begin(path, bench.history, describer(bench))
    for row in range(3):
        bench.act(("accept", 0, (row, 0), (1, 1), "keep", None))
    assert len(load_session(path).actions) == 3
    saving.close()
    assert load_session(path).actions == ()
    assert found_in(path)[:2] == bench.state[:2]


def test_a_full_disk_stops_the_step_where_nobody_is_told(path, monkeypatch):
    bench = build_bench()
    saving = Autosave.begin(path, bench.history, describer(bench))
    refuse_to_write(monkeypatch)
    with pytest.raises(SessionFileError, match="No space left"):
        bench.history.do(bench.objects.accept(box(2, 2, (0, 0))))
    assert not bench.labels.any()
    saving.close()


def test_a_full_disk_ends_recording_where_somebody_is_told(path, monkeypatch):
    bench, told = build_bench(), []
    saving = Autosave.begin(
        path, bench.history, describer(bench), on_failure=told.append
    )
    bench.act(("accept", 0, (0, 0), (1, 1), "keep", None))
    before = bench.labels.tolist()
    with monkeypatch.context() as patch:
        refuse_to_write(patch)
        bench.act(("accept", 0, (4, 4), (2, 2), "keep", None))
        bench.act(("accept", 0, (7, 7), (1, 1), "keep", None))
    assert bench.labels.max() == 3  # the work went on
    assert [type(error) for error in told] == [SessionFileError]
    assert found_in(path)[0] == before
    saving.close()
