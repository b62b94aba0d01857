"""A process that fills a store when told to; run as a script by `test_processes`.

It says "ready" when everything is imported, then reads lines: a path, and whether to go
through the tiles forward or backward. It writes those that are missing and prints each
key after it was written, and "done".
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tilesam.store import StoredTile, open_store
from tilesam.store.documents import group_document
from tilesam.testing.store_suite import CONTENTS, GRID, build_tile
from tilesam.types import TileKey

# Large enough to be killed in the middle of a file.
BIG_CONTENTS = replace(CONTENTS, embedding_shape=(64, 32, 32))
LEVELS = (1, 2, 3)


def planned() -> list[TileKey]:
    """Return the tiles to write, of several levels, so that several are begun."""
    return [
        TileKey(level, iy, ix)
        for level in LEVELS
        for iy in range(GRID.shape(level)[0])
        for ix in range(GRID.shape(level)[1])
    ]


def meant(key: TileKey) -> StoredTile:
    """Return what a tile has to be, which follows from its key."""
    return build_tile(key.level * 10_000 + key.iy * 100 + key.ix, BIG_CONTENTS)


def fill(path: str, direction: str) -> None:
    """Write the tiles that are missing and tell of each."""
    store = open_store(path, BIG_CONTENTS)
    step = -1 if direction == "backward" else 1
    for key in planned()[::step]:
        if key not in store:
            store.write(key, meant(key))
            print(key.level, key.iy, key.ix, flush=True)  # noqa: T201
    print("done", flush=True)  # noqa: T201


def main() -> None:
    """Obey."""
    group_document({})  # imports zarr and starts its thread
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        path, direction = line.rstrip("\n").split("\t")
        fill(path, direction)


if __name__ == "__main__":
    main()
