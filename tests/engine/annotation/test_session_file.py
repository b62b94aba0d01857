"""Sessions on the disk: what a crash, a full disk and a second program may do."""

from __future__ import annotations

import errno
import os
import threading
import time

import filelock
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.annotation.making import (
    SHAPE,
    actions,
    build_bench,
    build_document,
    build_prompts,
    foreign_labels,
    paint_foreign,
)
from tilesam.annotation import (
    ArrayTarget,
    LabelsRecord,
    SessionFile,
    collect_objects,
    load_session,
    replay,
)
from tilesam.annotation.journal import Journal, read_journal
from tilesam.errors import SessionFileError

SCRIPT = [
    ("accept", 0, (0, 0), (3, 3), "keep", None),
    ("draw", 1, (2, 2), (2, 2), 5),
    ("undo",),
    ("redo",),
    ("accept", 0, (2, 2), (4, 4), "overwrite", None),
    ("delete", 5),
    ("undo",),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "work.sam.json"


def document_of(bench, **changes):
    return build_document(
        objects=collect_objects(bench.objects.target, bench.rows),
        labels=LabelsRecord(SHAPE, "uint16", None, bench.rows.foreign_highest),
        **changes,
    )


def state_on_disk(path):
    """Return what a fresh process would find."""
    labels = np.zeros(SHAPE, np.uint16)
    again = replay(load_session(path), ArrayTarget(labels))
    names = again.history.undo_names, again.history.redo_names
    return labels.tolist(), list(again.rows), names


def play(path, script=SCRIPT, **options):
    """Record a script and return the state after each of its steps."""
    bench = build_bench(**options)
    states = [bench.state]
    with SessionFile.create(path, document_of(bench)) as file:
        bench.history.record = file.record
        for action in script:
            bench.act(action)
            states.append(bench.state)
    return states


@given(foreign_labels, st.lists(actions, max_size=10), st.data())
@settings(max_examples=40)
def test_a_session_is_found_as_it_was_left(tmp_path_factory, foreign, script, data):
    path = tmp_path_factory.mktemp("session") / "work.sam.json"
    bench = build_bench(paint_foreign(foreign))
    saved_after = data.draw(st.integers(0, 10))
    with SessionFile.create(path, document_of(bench)) as file:
        bench.history.record = file.record
        for number, action in enumerate(script):
            bench.act(action)
            if number == saved_after:
                file.save(document_of(bench))
                assert file.unsaved_actions == 0
                assert state_on_disk(path)[:2] == bench.state[:2]
    labels, rows, names = state_on_disk(path)
    assert (labels, rows) == bench.state[:2]
    for found, left in zip(names, bench.state[2], strict=True):
        # Steps from before the session was saved are not kept.
        assert found == left[: len(found)]
        assert len(found) == len(left) or saved_after < len(script)


def test_a_journal_cut_anywhere_is_a_prefix_of_the_actions(path):
    states = play(path)
    journal = path.with_name("work.sam.json.journal")
    whole = journal.read_bytes()
    ends = [end + 1 for end, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == len(states)
    for cut in range(len(whole) + 1):
        journal.write_bytes(whole[:cut])
        content = read_journal(journal)
        done = sum(end <= cut for end in ends)
        assert (0 if content is None else len(content.actions) + 1) == done
        if cut in (0, *ends) or (cut + 1) in ends or cut % 97 == 0:
            assert state_on_disk(path) == states[max(done - 1, 0)]


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_after_a_cut_a_session_goes_on(path, cut):
    states = play(path)
    journal = path.with_name("work.sam.json.journal")
    journal.write_bytes(journal.read_bytes()[:-cut])
    with SessionFile.open(path) as file:
        labels = np.zeros(SHAPE, np.uint16)
        again = replay(file.loaded, ArrayTarget(labels))
        again.history.record = file.record
        assert labels.tolist() == states[-2][0]
        again.history.undo()
    assert state_on_disk(path)[0] == labels.tolist()
    assert not list(path.parent.glob("*.damaged"))


@pytest.mark.parametrize("line", [0, 2])
def test_damage_in_the_middle_keeps_what_is_before_and_a_copy(path, line, caplog):
    states = play(path)
    journal = path.with_name("work.sam.json.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"kind", b"kinb").replace(b"format", b"farmot")
    journal.write_bytes(b"".join(lines))
    assert state_on_disk(path) == states[max(line - 1, 0)]
    with SessionFile.open(path) as file:
        assert file.unsaved_actions == max(line - 1, 0)
    copy = path.with_name("work.sam.json.journal.damaged")
    assert copy.read_bytes() == b"".join(lines)
    assert ("damaged" in caplog.text) == (line > 0)


def test_prompts_and_settings_are_recorded(path):
    with SessionFile.create(path, build_document(settings={"chosen": 0})) as file:
        file.record_prompts(build_prompts([(1, 2), (3, 4)]))
        file.record_settings({"chosen": 2})
        found = replay(load_session(path), ArrayTarget(np.zeros(SHAPE, np.uint8)))
        assert found.prompts.points_yx.tolist() == [[1, 2], [3, 4]]
        assert found.settings == {"chosen": 2}
        file.record_prompts(None)
        with pytest.raises(SessionFileError, match="settings cannot be recorded"):
            file.record_settings({"chosen": object()})
        assert file.unsaved_actions == 3
        assert file.journal_nbytes > 100
    found = replay(load_session(path), ArrayTarget(np.zeros(SHAPE, np.uint8)))
    assert found.prompts is None


def test_a_session_is_open_only_once(path):
    first = SessionFile.create(path, build_document())
    for opening in (
        lambda: SessionFile.open(path),
        lambda: SessionFile.create(path, build_document(), replacing=True),
    ):
        with pytest.raises(SessionFileError, match="is open already"):
            opening()
    load_session(path)  # whoever only looks is welcome
    closer = threading.Thread(target=first.close)
    closer.start()
    closer.join()
    SessionFile.open(path).close()


def test_whoever_only_asks_whether_it_is_open_is_waited_for(path, monkeypatch):
    SessionFile.create(path, build_document()).close()
    asking = filelock.FileLock(f"{path}.lock", thread_local=False)
    asking.acquire()
    monkeypatch.setattr(time, "sleep", lambda _: asking.release())
    SessionFile.open(path).close()


def test_what_is_discarded_is_gone_before_others_can_take_its_name(path, monkeypatch):
    first, others = SessionFile.create(path, build_document()), []
    first.record_prompts(None)
    release = first._lock.release

    def then_taken():
        release()
        others.append(SessionFile.create(path, build_document(plane=(7,))))

    monkeypatch.setattr(first._lock, "release", then_taken)
    first.discard()
    first.close()
    assert first.left_as is None
    with others[0] as second:
        second.record_prompts(None)
        with pytest.raises(SessionFileError, match="is open already"):
            SessionFile.open(path)
        assert len(load_session(path).actions) == 1
        assert load_session(path).document.plane == (7,)
        second.discard()
    assert list(path.parent.iterdir()) == []


def test_a_session_is_replaced_only_as_it_was_left(path):
    first = SessionFile.create(path, build_document())
    first.record_prompts(None)
    assert first.left_as is None
    first.close()

    def replace_it():
        return SessionFile.create(
            path, build_document(), replacing=True, unchanged_since=first.left_as
        )

    with SessionFile.open(path) as second:
        second.record_prompts(None)
    with pytest.raises(SessionFileError, match="has been changed"):
        replace_it()
    assert len(load_session(path).actions) == 2
    first = SessionFile.create(path, build_document(), replacing=True)
    first.close()
    replace_it().close()


def test_what_was_closed_takes_nothing_and_takes_nothing_away(path):
    first = SessionFile.create(path, build_document())
    first.close()
    with SessionFile.open(path) as second:
        second.record_prompts(None)
        first.close()
        with pytest.raises(SessionFileError, match="it was closed"):
            first.record_prompts(None)
        with pytest.raises(SessionFileError, match="open it again"):
            first.save(build_document(plane=(5,)))
        assert second.unsaved_actions == 1
    assert len(load_session(path).actions) == 1
    assert load_session(path).document.plane == ()


def test_a_saved_session_is_one_file(path):
    play(path)
    names = {"work.sam.json", "work.sam.json.journal", "work.sam.json.lock"}
    assert {file.name for file in path.parent.iterdir()} == names
    with SessionFile.open(path) as file:
        file.save(build_document())
    names = {file.name for file in path.parent.iterdir()}
    assert names - {"work.sam.json.lock"} == {"work.sam.json"}


def test_sessions_are_replaced_only_when_asked(path):
    play(path)
    with pytest.raises(SessionFileError, match="exists"):
        SessionFile.create(path, build_document())
    with pytest.raises(SessionFileError, match="there is no session"):
        SessionFile.open(path.with_name("other"))
    SessionFile.create(path, build_document(plane=(4,)), replacing=True).close()
    assert load_session(path).actions == ()
    assert load_session(path).document.plane == (4,)


class PowerCutError(Exception):
    pass


@pytest.mark.parametrize("kind", ["save", "create"])
def test_a_crash_between_document_and_journal_loses_nothing(path, monkeypatch, kind):
    states = play(path)

    def cut(*_):
        raise PowerCutError

    file = SessionFile.open(path) if kind == "save" else None
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "start", cut)
        bench = build_bench()
        for action in SCRIPT:
            bench.act(action)
        document = document_of(bench)
        with pytest.raises(PowerCutError):
            file.save(document) if file else SessionFile.create(
                path, document, replacing=True
            )
    if file is not None:
        with pytest.raises(SessionFileError, match="save the session again"):
            file.record_prompts(None)  # the old journal does not count any more
        assert state_on_disk(path)[:2] == states[-1][:2]
        file.save(document_of(bench))
        file.record_prompts(None)
        assert len(load_session(path).actions) == 1
        file.close()
    assert state_on_disk(path)[:2] == states[-1][:2]
    SessionFile.open(path).close()
    assert state_on_disk(path)[:2] == states[-1][:2]


def test_a_journal_of_another_session_is_told(path, tmp_path):
    play(path)
    other = tmp_path / "other.sam.json"
    play(other)
    other.with_name("other.sam.json.journal").replace(f"{path}.journal")
    with pytest.raises(SessionFileError, match="belongs to another session"):
        SessionFile.open(path)
    SessionFile.open(other).close()  # its lock is free, its document whole


def test_a_full_disk_leaves_the_journal_as_it_was(path, monkeypatch):
    bench = build_bench()
    write = os.write

    def write_half(handle, content):
        if len(content) < 60:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, content[: len(content) // 2])

    with SessionFile.create(path, document_of(bench)) as file:
        bench.history.record = file.record
        bench.act(SCRIPT[0])
        before = bench.state
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write_half)
            with pytest.raises(SessionFileError, match="No space left on device"):
                bench.act(SCRIPT[4])
        assert bench.state == before == state_on_disk(path)
        bench.act(SCRIPT[4])
        assert bench.state == state_on_disk(path) != before


def test_a_journal_that_cannot_be_mended_takes_no_more(path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    bench = build_bench()
    with SessionFile.create(path, document_of(bench)) as file:
        bench.history.record = file.record
        bench.act(SCRIPT[0])
        before = bench.state
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            patch.setattr(os, "ftruncate", fail)
            with pytest.raises(SessionFileError, match="Input/output error"):
                bench.act(SCRIPT[4])
        with pytest.raises(SessionFileError, match="takes no more actions"):
            bench.act(SCRIPT[4])
        assert bench.state == before
        file.save(document_of(bench))
        bench.act(SCRIPT[4])
    assert state_on_disk(path)[0] == bench.state[0]


def test_an_action_of_another_kind_is_told(path):
    with SessionFile.create(path, build_document()) as file:
        file.record_prompts(None)
        file._journal.append("dance", "steps", "{}")
    with pytest.raises(SessionFileError, match="action 2 of the journal"):
        state_on_disk(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SessionFileError, match="cannot write"):
        SessionFile.create(tmp_path / "file" / "work.sam.json", build_document())
