"""What every store of embeddings has to keep to, as tests to inherit.

    class TestMyStore(EmbeddingStoreSuite):
        def build_store(self, folder, contents):
            return MyStore(folder / "store", contents)

Needs pytest and hypothesis.
"""

# ruff: noqa: S101 - these are tests
from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tilesam.errors import StoreError, TilingError
from tilesam.store.contents import StoreContents
from tilesam.store.tile import StoredTile, hash_pixels
from tilesam.tiling.grid import Grid
from tilesam.types import ImageIdentity, TileKey

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.store.protocol import EmbeddingStore

CONTENTS = StoreContents(
    image=ImageIdentity((300, 500), "uint16", 2),
    channels=(0, 1),
    plane=(3,),
    normalization={"limits": [[0.0, 1023.5], [7.25, 4095.0]]},
    weights_sha256="5e" * 32,
    model_name="tiny",
    input_size=64,
    stride=16,
    preprocessing_version=1,
    embedding_shape=(8, 4, 4),
)
"""Of a small image and a smaller model."""

GRID = Grid(CONTENTS.image.hw, CONTENTS.input_size)


def _settings(*, max_examples: int) -> settings:
    # The laws of one class are tried for several, which share no state.
    return settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.differing_executors],
    )


def build_tile(seed: int, contents: StoreContents = CONTENTS) -> StoredTile:
    """Return a tile that equals no other: all of it follows from the seed."""
    values = np.random.default_rng(seed).standard_normal(contents.embedding_shape)
    pixels = np.full((2, 2, 3), seed % 256, np.uint8)
    pixels[0, 0] = np.frombuffer((seed // 256).to_bytes(3, "little"), np.uint8)
    return StoredTile(values.astype(np.float16), hash_pixels(pixels))


def is_same(first: StoredTile | None, second: StoredTile | None) -> bool:
    """Return whether two tiles are equal bit by bit, which -0.0 and NaN need."""
    if first is None or second is None:
        return first is second
    has_same_values = first.embedding.tobytes() == second.embedding.tobytes()
    has_same_form = (
        first.embedding.shape == second.embedding.shape
        and first.embedding.dtype == second.embedding.dtype
    )
    return has_same_values and has_same_form and first.pixels_hash == second.pixels_hash


def tile_keys() -> st.SearchStrategy[TileKey]:
    """Return the tiles of the lattice of `CONTENTS`."""

    def of_level(level: int) -> st.SearchStrategy[TileKey]:
        rows, columns = GRID.shape(level)
        places = st.integers(0, rows - 1), st.integers(0, columns - 1)
        return st.builds(TileKey, st.just(level), *places)

    return st.sampled_from(GRID.levels).flatmap(of_level)


def tiles() -> st.SearchStrategy[StoredTile]:
    """Return tiles of any float16 there is, with any hash."""
    bits = npst.arrays(np.uint16, CONTENTS.embedding_shape, fill=st.just(0))
    hashes = st.text("0123456789abcdef", min_size=32, max_size=32)
    return st.builds(StoredTile, bits.map(lambda drawn: drawn.view(np.float16)), hashes)


class EmbeddingStoreSuite:
    """The laws of `tilesam.store.EmbeddingStore`; inherit it and say how to build one.

    Tests build their stores themselves, because a law needs a new one per example.
    """

    def build_store(self, folder: Path, contents: StoreContents) -> EmbeddingStore:
        """Return a new, empty store.

        Parameters
        ----------
        folder
            Empty, and the store's own.
        contents
            What the embeddings will be of.
        """
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> EmbeddingStore:
        """Return a new store for `CONTENTS`."""
        return self.build_store(tmp_path, CONTENTS)

    def test_a_new_store_is_empty(self, store: EmbeddingStore) -> None:
        """It says what it is of, may be written to, and holds nothing."""
        assert store.contents == CONTENTS
        assert store.is_writable
        assert store.keys() == set()
        assert TileKey(0, 0, 0) not in store
        assert store.read(TileKey(0, 0, 0)) is None

    @_settings(max_examples=30)
    @given(key=tile_keys(), tile=tiles())
    def test_a_tile_comes_back_bit_by_bit(
        self, tmp_path_factory: pytest.TempPathFactory, key: TileKey, tile: StoredTile
    ) -> None:
        """Zeros, infinities and NaN of any kind are values like others."""
        store = self.build_store(tmp_path_factory.mktemp("law"), CONTENTS)
        store.write(key, tile)
        assert is_same(store.read(key), tile)

    @pytest.mark.parametrize("value", [0.0, -0.0, np.inf, -np.inf, np.nan, 65504.0])
    def test_a_tile_of_one_value_is_a_tile(
        self, store: EmbeddingStore, value: float
    ) -> None:
        """Nothing is left out because it looks empty."""
        key = TileKey(0, 3, 1)
        embedding = np.full(CONTENTS.embedding_shape, value, np.float16)
        tile = StoredTile(embedding, build_tile(1).pixels_hash)
        store.write(key, tile)
        assert key in store
        assert store.keys() == {key}
        assert is_same(store.read(key), tile)

    @_settings(max_examples=15)
    @given(writes=st.lists(st.tuples(tile_keys(), st.integers(0, 99)), max_size=12))
    def test_it_holds_what_was_written_last_and_nothing_else(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        writes: list[tuple[TileKey, int]],
    ) -> None:
        """After any sequence of writes it is what a dict would be."""
        store = self.build_store(tmp_path_factory.mktemp("law"), CONTENTS)
        for key, seed in writes:
            store.write(key, build_tile(seed))
        expected = dict(writes)
        assert store.keys() == set(expected)
        for key in {TileKey(0, 0, 0), *expected}:
            assert (key in store) == (key in expected)
            tile = build_tile(expected[key]) if key in expected else None
            assert is_same(store.read(key), tile)

    def test_every_corner_of_every_level_has_its_place(
        self, store: EmbeddingStore
    ) -> None:
        """Tiles of different levels and places do not get in each other's way."""
        written: dict[TileKey, StoredTile] = {}
        for level in GRID.levels:
            rows, columns = GRID.shape(level)
            for iy in {0, rows - 1}:
                for ix in {0, columns - 1}:
                    written[TileKey(level, iy, ix)] = build_tile(len(written))
        for key, tile in written.items():
            store.write(key, tile)
        assert store.keys() == set(written)
        assert all(is_same(store.read(key), tile) for key, tile in written.items())

    def test_it_grows_by_what_a_tile_takes(self, store: EmbeddingStore) -> None:
        """Bytes are counted, and a second writing of a tile adds none."""
        store.write(TileKey(0, 0, 0), build_tile(0))
        first = store.nbytes
        store.write(TileKey(0, 0, 1), build_tile(1))
        second = store.nbytes
        store.write(TileKey(0, 0, 1), build_tile(2))
        assert first >= CONTENTS.tile_nbytes
        assert second - first >= CONTENTS.tile_nbytes
        assert store.nbytes == second

    @pytest.mark.parametrize(
        "key",
        [
            TileKey(-2, 0, 0),
            TileKey(GRID.top_level + 1, 0, 0),
            TileKey(0, -1, 0),
            TileKey(0, 0, -1),
            TileKey(0, GRID.shape(0)[0], 0),
            TileKey(0, 0, GRID.shape(0)[1]),
        ],
    )
    def test_what_the_image_does_not_have_is_not_kept(
        self, store: EmbeddingStore, key: TileKey
    ) -> None:
        """Writing such a tile is an error; asking for it is not."""
        with pytest.raises(TilingError):
            store.write(key, build_tile(0))
        assert key not in store
        assert store.read(key) is None
        assert store.keys() == set()

    @pytest.mark.parametrize(
        ("shape", "dtype"),
        [
            ((8, 4, 5), np.float16),
            ((8, 16), np.float16),
            ((1, 8, 4, 4), np.float16),
            ((0, 4, 4), np.float16),
            ((8, 4, 4), np.float32),
            ((8, 4, 4), np.uint16),
        ],
    )
    def test_an_embedding_of_another_form_is_an_error(
        self, store: EmbeddingStore, shape: tuple[int, ...], dtype: type
    ) -> None:
        """The error says what was given and what was expected; nothing is kept."""
        embedding: NDArray[Any] = np.ones(shape, dtype)
        with pytest.raises(StoreError, match=r"has shape .* takes \(8, 4, 4\)"):
            store.write(
                TileKey(0, 0, 0), StoredTile(embedding, build_tile(0).pixels_hash)
            )
        assert store.keys() == set()

    @pytest.mark.parametrize("wrong", ["", "ab", "AB" * 16, "zz" * 16, "ab" * 17])
    def test_a_hash_of_another_form_is_an_error(
        self, store: EmbeddingStore, wrong: str
    ) -> None:
        """Nothing is kept of which it cannot be told later what it was made from."""
        with pytest.raises(StoreError, match="hash of the pixels"):
            store.write(TileKey(0, 0, 0), StoredTile(build_tile(0).embedding, wrong))
        assert store.keys() == set()

    def test_any_memory_layout_is_taken(self, store: EmbeddingStore) -> None:
        """The values count, not how they lie."""
        tile = build_tile(0)
        turned = np.asfortranarray(tile.embedding)
        every_other = np.repeat(tile.embedding, 2, axis=2)[:, :, ::2]
        for ix, embedding in enumerate([turned, every_other]):
            store.write(TileKey(0, 0, ix), StoredTile(embedding, tile.pixels_hash))
            assert is_same(store.read(TileKey(0, 0, ix)), tile)

    def test_it_shares_no_memory_with_anyone(self, store: EmbeddingStore) -> None:
        """Tiles may be changed before and after; what is kept stays."""
        key, tile = TileKey(0, 2, 2), build_tile(0)
        store.write(key, tile)
        tile.embedding[:] = 1
        first = store.read(key)
        assert first is not None
        first.embedding[:] = 2
        assert is_same(store.read(key), build_tile(0))

    def test_threads_see_whole_tiles_only(self, store: EmbeddingStore) -> None:
        """What is said to be there can be read, while others are being written."""
        keys = [TileKey(level, 0, ix) for level in (0, 1) for ix in range(12)]
        meant = {key: build_tile(seed) for seed, key in enumerate(keys)}
        is_written = threading.Event()
        faults: list[TileKey] = []

        def read_until_written() -> None:
            while not is_written.is_set():
                faults.extend(
                    key
                    for key, tile in meant.items()
                    if key in store and not is_same(store.read(key), tile)
                )

        readers = [threading.Thread(target=read_until_written) for _ in range(3)]
        for reader in readers:
            reader.start()
        for key, tile in meant.items():
            store.write(key, tile)
        is_written.set()
        for reader in readers:
            reader.join()
        assert faults == []
        assert store.keys() == set(keys)

    def test_threads_may_write_at_once(self, store: EmbeddingStore) -> None:
        """Even the first tiles of levels, whatever has to be prepared for these."""
        keys = [TileKey(level, iy, 0) for iy in range(4) for level in (-1, 0, 1)]
        meant = {key: build_tile(seed) for seed, key in enumerate(keys)}
        barrier = threading.Barrier(4)

        def write_all(number: int) -> None:
            barrier.wait()
            for key in keys[number:] + keys[:number]:
                store.write(key, meant[key])

        writers = [threading.Thread(target=write_all, args=(n,)) for n in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert store.keys() == set(keys)
        assert all(is_same(store.read(key), tile) for key, tile in meant.items())

    def test_readers_of_a_tile_that_is_replaced_see_one_of_both(
        self, store: EmbeddingStore
    ) -> None:
        """Never an embedding with the hash of the other's pixels."""
        key, versions = TileKey(0, 1, 1), [build_tile(0), build_tile(1)]
        store.write(key, versions[0])
        is_written = threading.Event()
        faults: list[StoredTile] = []

        def read_until_written() -> None:
            while not is_written.is_set():
                tile = store.read(key)
                # None: that it is there may be said a moment later.
                if tile and not any(is_same(tile, version) for version in versions):
                    faults.append(tile)

        reader = threading.Thread(target=read_until_written)
        reader.start()
        for turn in range(40):
            store.write(key, versions[turn % 2])
        is_written.set()
        reader.join()
        assert faults == []
        assert is_same(store.read(key), versions[1])
