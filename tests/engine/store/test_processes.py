"""Several processes at one store, and processes that are killed while they write."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.engine.store.writing_process import BIG_CONTENTS, meant, planned
from tilesam.store import open_store, recorded_contents
from tilesam.testing.store_suite import is_same
from tilesam.types import TileKey

SCRIPT = Path(__file__).with_name("writing_process.py")


class Writer:
    """A process that fills stores, see `writing_process`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self._process.stdout.readline() == "ready\n"

    def begin(self, path: Path, direction: str = "forward") -> None:
        self._process.stdin.write(f"{path}\t{direction}\n")
        self._process.stdin.flush()

    def finish(self) -> list[TileKey]:
        """Wait, and return the tiles that it wrote."""
        return self._parse(iter(self._process.stdout.readline, "done\n"))

    def kill(self, after_tiles: int, seconds: float) -> list[TileKey]:
        """Kill it at some moment, and return the tiles that it had written for sure."""
        lines: list[str] = []
        # A fast one may have had less to do, and says no more when it is done.
        while len(lines) < after_tiles and "done\n" not in lines:
            lines.append(self._process.stdout.readline())
        time.sleep(seconds)
        self._process.kill()
        lines += self._process.stdout.readlines()
        self._process.wait()
        return self._parse(line for line in lines if line != "done\n")

    def _parse(self, lines: Iterator[str]) -> list[TileKey]:
        return [TileKey(*map(int, line.split())) for line in lines if line.strip()]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def writers(count: int) -> Iterator[list[Writer]]:
    with ExitStack() as stack:
        started = [Writer() for _ in range(count)]
        for writer in started:
            stack.callback(writer.close)
        for writer in started:
            writer.wait_until_ready()
        yield started


def files_of(store: Path) -> dict[str, bytes]:
    files = (path for path in store.rglob("*") if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[str, bytes]:
    path = tmp_path_factory.mktemp("alone") / "store"
    store = open_store(path, BIG_CONTENTS)
    for key in planned():
        store.write(key, meant(key))
    return files_of(path)


@pytest.mark.parametrize("directions", [["forward"] * 2, ["forward", "backward"]])
def test_two_processes_make_what_one_makes(tmp_path, uninterrupted, directions):
    # Forward and forward they meet at the store, the set and the levels.
    with writers(2) as pair:
        for attempt in range(3):
            path = tmp_path / str(attempt)
            for writer, direction in zip(pair, directions, strict=True):
                writer.begin(path, direction)
            written = [set(writer.finish()) for writer in pair]
            assert set.union(*written) == set(planned())
            assert files_of(path) == uninterrupted


@pytest.mark.parametrize(
    "kills", [6, pytest.param(25, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_killed_process_leaves_whole_tiles(tmp_path, uninterrupted, kills):
    path = tmp_path / "store"
    # The moments differ from run to run all the same.
    rng, most = random.Random(kills), len(planned()) // kills
    told: set[TileKey] = set()
    with writers(kills) as doomed:
        for turn, writer in enumerate(doomed):
            writer.begin(path)
            # At first in the making of the store, then anywhere in its growth.
            tiles = rng.randrange(most) if turn > 1 else 0
            written = writer.kill(tiles, seconds=rng.uniform(0, 0.01))
            assert not told & set(written)
            told |= set(written)
            require_whole(path, told)
    with writers(1) as [last]:
        missing = set(planned()) - open_store(path, BIG_CONTENTS).keys()
        last.begin(path)
        # On a fast machine nothing may be missing.
        assert set(last.finish()) == missing
    files = files_of(path)
    left = {name for name in files if name.endswith(".partial")}
    assert {name: files[name] for name in files if name not in left} == uninterrupted
    assert len(left) <= kills


def require_whole(path: Path, told: set[TileKey]) -> None:
    """What was told is there, and all that is there is what it has to be."""
    if not recorded_contents(path):
        assert not told
        return
    store = open_store(path, BIG_CONTENTS, read_only=True)
    keys = store.keys()
    assert told <= keys <= set(planned())
    for key in planned():
        tile = store.read(key)
        assert (tile is not None) == (key in keys)
        assert tile is None or is_same(tile, meant(key))
