"""One image and one model: its tiles, embedded and decoded, one or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.embedding.estimate import estimate_embedding
from tilesam.embedding.job import EmbeddingJob
from tilesam.embedding.on_demand import DEFAULT_CACHE_BYTES, TileEmbeddings
from tilesam.embedding.order import plan_tiles
from tilesam.embedding.progress import follow
from tilesam.opening import build_contents
from tilesam.store import MemoryStore
from tilesam.tiling import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tilesam.embedding.estimate import EmbeddingEstimate
    from tilesam.embedding.progress import EmbeddingProgress
    from tilesam.everything.decoded import DecodedEverything
    from tilesam.everything.segmentation import Segmentation
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.types import TileKey, Window

MEMORY_STORE_BYTES = 1024**3
"""What an image without a store on disk keeps of embeddings in memory."""


class TiledImage:
    """An image as a lattice of tiles that a model embeds, each of them once.

    Parameters
    ----------
    source
        The image.
    model
        The network.
    store
        Where embeddings are kept; by default in memory, up to 1 GiB.
    object_diameter
        Of a typical object in pixels of the image; sets the finest level that is
        looked at. By default that is the image's own resolution.
    cache_bytes
        How much the latest embeddings may take on the compute device.

    Raises
    ------
    TilingError
        If the diameter is not a positive number.
    """

    def __init__(
        self,
        source: ImageSource,
        model: SamModel,
        store: EmbeddingStore | None = None,
        *,
        object_diameter: float | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
    ) -> None:
        self.source = source
        self.model = model
        self.grid = Grid(source.hw, model.input_size)
        if store is None:
            contents = build_contents(source, model)
            store = MemoryStore(contents, max_bytes=MEMORY_STORE_BYTES)
        self.store = store
        self.finest_level = (
            self.grid.default_level
            if object_diameter is None
            else self.grid.level_for_diameter(object_diameter)
        )
        self.embeddings = TileEmbeddings(
            EmbeddingJob(self.grid, source, self.store, model), cache_bytes=cache_bytes
        )

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.source.hw

    def plan(
        self,
        region: Window | None = None,
        *,
        near_yx: tuple[float, float] | None = None,
        levels: Sequence[int] | None = None,
    ) -> list[TileKey]:
        """Return the tiles that `embed` embeds, in its order.

        Parameters
        ----------
        region
            Part of the image; by default all of it.
        near_yx
            Where to begin; by default in the middle of the region.
        levels
            By default the level at which objects are looked for.

        Raises
        ------
        TilingError
            If there is no such level or the region is not in the image.
        """
        chosen = [self.finest_level] if levels is None else levels
        return plan_tiles(self.grid, region=region, near_yx=near_yx, levels=chosen)

    def estimate(self, plan: Sequence[TileKey] | None = None) -> EmbeddingEstimate:
        """Return how many tiles, bytes and seconds embedding would take."""
        tiles = self.plan() if plan is None else plan
        return estimate_embedding(tiles, self.store, self.model)

    def embed(
        self,
        region: Window | None = None,
        *,
        near_yx: tuple[float, float] | None = None,
        levels: Sequence[int] | None = None,
        progress: Callable[[EmbeddingProgress], None] | None = None,
        client: Any = None,
        **options: Any,
    ) -> EmbeddingProgress | None:
        """Embed all tiles of a region that the store does not have yet.

        Parameters
        ----------
        region, near_yx, levels
            See `plan`.
        progress
            Called after every tile. What raises here ends the run between two tiles,
            with everything stored that was reported.
        client
            A `dask.distributed.Client`; by default this process does the work.
        **options
            See `tilesam.embedding.run.embed_tiles`.

        Returns
        -------
        EmbeddingProgress or None
            The last one; None if there was nothing to look at.

        Raises
        ------
        TilingError, ImageReadError, StoreError, DeviceError, EmbeddingError
            Whatever came in the way; run it again to go on.
        """
        from tilesam.embedding.run import embed_tiles

        plan = self.plan(region, near_yx=near_yx, levels=levels)
        run = embed_tiles(
            *(plan, self.grid, self.source, self.store, self.model),
            client=client,
            **options,
        )
        return follow(run, progress)

    def everything(self, region: Window | None = None, **options: Any) -> Segmentation:
        """Find all objects of a region, whole across the seams of tiles.

        Parameters
        ----------
        region, **options
            See `decode_everything`, which raises what this raises.

        Returns
        -------
        Segmentation
            Masks, a label image and a table of scores. Where nothing was found, its
            `hint` says which threshold removed everything.
        """
        return self.decode_everything(region, **options).resolve()

    def decode_everything(
        self,
        region: Window | None = None,
        *,
        levels: Sequence[int] | None = None,
        object_diameter: float | None = None,
        **options: Any,
    ) -> DecodedEverything:
        """Do the costly part of `everything`; thresholds can be moved afterwards.

        Parameters
        ----------
        region
            Part of the image; by default all of it.
        levels
            By default from that at which objects are looked for up to the whole image
            in one window, so that objects of any size are found.
        object_diameter
            Of a typical object in pixels, for this run; by default the session's.
        **options
            `settings`, `adjustable`, `work`, `progress`, `client` and others, see
            `tilesam.everything.decoded.decode_everything`.

        Raises
        ------
        TilingError, ImageReadError, StoreError, DeviceError, EmbeddingError,
        EverythingError
            Whatever came in the way; with `work` the same call goes on.
        """
        from tilesam.everything.decoded import decode_everything

        plan = self.plan_everything(
            region, levels=levels, object_diameter=object_diameter
        )
        return decode_everything(self.embeddings.job, plan, region=region, **options)

    def plan_everything(
        self,
        region: Window | None = None,
        *,
        levels: Sequence[int] | None = None,
        object_diameter: float | None = None,
    ) -> list[TileKey]:
        """Return the tiles that `everything` asks, see `decode_everything`."""
        finest = (
            self.finest_level
            if object_diameter is None
            else self.grid.level_for_diameter(object_diameter)
        )
        all_sizes = range(finest, self.grid.top_level + 1)
        return self.plan(region, levels=all_sizes if levels is None else levels)
