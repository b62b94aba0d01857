"""All tiles decoded: objects are made of them as often as thresholds are moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tilesam.embedding.progress import follow
from tilesam.errors import EverythingError
from tilesam.everything.filters import require_kept
from tilesam.everything.job import EverythingJob
from tilesam.everything.mask_place import open_mask_folder
from tilesam.everything.mask_store import MaskStoreContents, MemoryMaskStore
from tilesam.everything.resolve import resolve
from tilesam.everything.run import segment_tiles
from tilesam.everything.settings import EverythingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from tilesam.embedding.job import EmbeddingJob
    from tilesam.everything.job import TileResult
    from tilesam.everything.mask_store import MaskStore
    from tilesam.everything.progress import EverythingProgress
    from tilesam.everything.segmentation import Segmentation
    from tilesam.everything.tile_masks import TileMasks
    from tilesam.types import TileKey, Window


@dataclass(frozen=True, eq=False)
class DecodedEverything:
    """Masks of all tiles, before it is decided which of them are objects.

    Parameters
    ----------
    job
        The image, the model, the masks and what the decoder was asked.
    settings
        Those that objects are made with unless others are given.
    keys
        Tiles with masks, or with none where nothing was found.
    region
        Part of the image that is segmented; None is all of it.
    missing
        How many tiles of the plan are still to be decoded: the run was cancelled.
    progress
        The last one of the run; None if there was nothing to look at.
    """

    job: EverythingJob
    settings: EverythingSettings
    keys: tuple[TileKey, ...]
    region: Window | None = None
    missing: int = 0
    progress: EverythingProgress | None = None

    @property
    def masks(self) -> MaskStore:
        """Where the masks are."""
        return self.job.masks

    def tiles(self) -> Iterator[TileMasks]:
        """Yield the masks of one tile after the other.

        Raises
        ------
        EverythingError
            If those of a tile are gone.
        """
        for key in self.keys:
            masks = self.masks.read(key)
            if masks is None:
                raise EverythingError(
                    f"the masks of {key} in {self.masks!r} were removed or damaged "
                    "since they were decoded; decode again, which does only what is "
                    "missing"
                )
            yield masks

    def resolve(
        self, settings: EverythingSettings | None = None, *, image_name: str = ""
    ) -> Segmentation:
        """Return the objects; nothing is decoded again.

        Parameters
        ----------
        settings
            With other thresholds, another `overlap` and so on.
        image_name
            For records.

        Raises
        ------
        EverythingError
            If the decoder was asked something else, if masks are wanted that were not
            kept, or if the run was cancelled before it was done.
        """
        model = self.job.embedding.model
        chosen = (settings or self.settings).resolved(model.network.config)
        self._require_done()
        self._require_same_question(chosen)
        floors = self.masks.contents.decoding
        require_kept(chosen, floors.lowest_pred_iou, floors.lowest_stability_score)
        return resolve(
            *(self.tiles(), self.job.embedding.source.hw, chosen),
            region=self.region,
            image_name=image_name,
            model_name=model.name,
            georeference=self.job.embedding.source.georeference,
        )

    def _require_done(self) -> None:
        if self.missing:
            raise EverythingError(
                f"{self.missing} tiles are not decoded yet, because the run was "
                "cancelled; the same call goes on with them"
            )

    def _require_same_question(self, settings: EverythingSettings) -> None:
        decoding = self.masks.contents.decoding
        for name in ("points_per_side", "stability_score_offset"):
            wanted, asked = getattr(settings, name), getattr(decoding, name)
            if wanted != asked:
                raise EverythingError(
                    f"{name} is {wanted}, but the decoder was asked with {asked}; "
                    "leave it, or decode again"
                )


def decode_everything(
    embedding: EmbeddingJob,
    plan: Sequence[TileKey],
    *,
    region: Window | None = None,
    settings: EverythingSettings | None = None,
    adjustable: bool = False,
    work: str | PathLike[str] | None = None,
    progress: Callable[[EverythingProgress], None] | None = None,
    skip_background: bool = False,
    replace_changed: bool = False,
    torch_threads: int | None = None,
    **options: Any,
) -> DecodedEverything:
    """Ask the decoder at every point of a grid over each tile, and keep the masks.

    Parameters
    ----------
    embedding
        The image, its lattice, the model, and where embeddings are kept.
    plan
        The tiles, see `tilesam.embedding.order.plan_tiles`.
    region
        Part of the image that they show; None is all of it.
    settings
        By default those of the paper, with the thresholds that the model recommends.
    adjustable
        Keep masks below the thresholds too, so that these may be lowered afterwards.
        Takes longer.
    work
        Folder in which masks are kept as they come, so that a run that was stopped goes
        on; made if it is missing. By default they are kept in memory.
    progress
        Called after every tile. What raises here ends the run between two tiles.
    skip_background, replace_changed, torch_threads
        See `tilesam.embedding.job.EmbeddingJob`.
    **options
        `client`, `resources` and `cancelled`, see
        `tilesam.everything.run.segment_tiles`.

    Raises
    ------
    EverythingError
        If the folder holds something else, or masks of another image, model or
        question.
    TilesamError
        Whatever else came in the way, see `segment_tiles`; run it again to go on.
    """
    embedding = replace(
        embedding,
        skip_background=skip_background,
        replace_changed=replace_changed,
        torch_threads=torch_threads,
    )
    chosen = (settings or EverythingSettings()).resolved(embedding.model.network.config)
    masks = _open_masks(embedding, chosen, adjustable=adjustable, work=work)
    asked = replace(masks.contents.decoding, points_per_batch=chosen.points_per_batch)
    job = EverythingJob(embedding, masks, asked)
    done: dict[TileKey, TileResult] = {}

    def note(latest: EverythingProgress) -> None:
        done[latest.outcome.key] = latest.outcome
        if progress is not None:
            progress(latest)

    last = follow(segment_tiles(plan, job, **options), note)
    return DecodedEverything(
        *(job, chosen),
        keys=tuple(key for key in done if done[key].status != "skipped"),
        region=region,
        missing=len(set(plan) - done.keys()),
        progress=last,
    )


def _open_masks(
    embedding: EmbeddingJob,
    settings: EverythingSettings,
    *,
    adjustable: bool,
    work: str | PathLike[str] | None,
) -> MaskStore:
    contents = MaskStoreContents(
        embedding.store.contents, settings.decoding(adjustable=adjustable)
    )
    if work is None:
        return MemoryMaskStore(contents)
    # Masks that were kept by an earlier run need not go deeper than thresholds do.
    return open_mask_folder(work, contents, needed=settings.decoding())
