"""What views are told, and what they tell: frozen, without Qt or the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Where = Literal["view", "image", "region"]
Polarity = Literal["positive", "negative"]
Policy = Literal["keep", "overwrite", "ask"]
Overlap = Literal["smallest", "largest", "most_confident"]
Place = Literal["in the package", "downloaded", "to be downloaded"]
Tone = Literal["info", "busy", "warning", "error"]


class Progress(Protocol):
    """A run over tiles, as `EmbeddingProgress` and `EverythingProgress` tell it."""

    @property
    def done(self) -> int: ...  # noqa: D102
    @property
    def total(self) -> int: ...  # noqa: D102
    @property
    def seconds_left(self) -> float | None: ...  # noqa: D102


class Estimate(Protocol):
    """What embedding will take, as the engine's `EmbeddingEstimate` tells it."""

    @property
    def tiles(self) -> int: ...  # noqa: D102
    @property
    def missing(self) -> int: ...  # noqa: D102
    @property
    def nbytes(self) -> int: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True)
class RunProgress:
    """A `Progress` for whoever has no run of the engine at hand.

    Parameters
    ----------
    done, total
        Steps.
    seconds_left
        None while nobody can tell.
    """

    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True, eq=False)
class CandidateRow:
    """One of the three answers, ready to be shown.

    Parameters
    ----------
    predicted_iou
        As the network says it, not clipped; None or NaN if unknown.
    stability_score
        In [0, 1]; None or NaN if unknown.
    area
        In pixels; 0 says that the mask is empty.
    physical_area
        The same with a unit, for example (12.5, "µm²"); None for plain pixels.
    thumbnail
        (side, side, 3) uint8, see `draw_thumbnail`; None while there is none.
    color_name
        What the candidate's layer looks like, in a word, for example "orange".
    """

    predicted_iou: float | None
    stability_score: float | None
    area: int
    physical_area: tuple[float, str] | None = None
    thumbnail: NDArray[np.uint8] | None = None
    color_name: str = ""


@dataclass(frozen=True)
class ModelRow:
    """One model that can be chosen.

    Parameters
    ----------
    name
        Of the registry, or the path of a checkpoint.
    nbytes
        Of its weights; 0 if unknown.
    licence
        Of the weights.
    place
        Where the weights are now.
    good_for
        What it segments well.
    is_size_exact
        Whether `nbytes` is published or only likely.
    """

    name: str
    nbytes: int
    licence: str
    place: Place
    good_for: str = ""
    is_size_exact: bool = True


@dataclass(frozen=True)
class PromptCounts:
    """How many prompts there are for the present object."""

    positive: int = 0
    negative: int = 0
    boxes: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.positive + self.negative + self.boxes


@dataclass(frozen=True)
class TileCounts:
    """How many tiles of the lattice are in which state."""

    stored: int = 0
    embedding: int = 0
    missing: int = 0


@dataclass(frozen=True)
class AskChoices:
    """What segmenting everything asks: another value takes another run.

    Parameters
    ----------
    where
        The view, the whole image or the drawn region.
    points_per_side
        A window is asked at so many times so many points.
    object_diameter
        Of a typical object in pixels; None chooses by the image.
    """

    where: Where = "view"
    points_per_side: int = 32
    object_diameter: float | None = None


@dataclass(frozen=True)
class TextChoices:
    """What a search by words asks.

    Parameters
    ----------
    phrase
        As it was written.
    negative_phrases
        What is not meant.
    backend
        With its model behind a colon, if one was named.
    where
        The view, the whole image or the drawn region.
    corrects
        Whether points and boxes in the viewer count.
    """

    phrase: str = ""
    negative_phrases: tuple[str, ...] = ()
    backend: str = "embedded"
    where: Where = "view"
    corrects: bool = False


@dataclass(frozen=True)
class KeepChoices:
    """Which of the answers become objects: another value takes effect at once.

    The names are those of the engine's `EverythingSettings`.
    """

    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    min_mask_region_area: int = 0
    overlap: Overlap = "smallest"


@dataclass(frozen=True)
class ExportFormat:
    """A kind of file that objects can be written to.

    Parameters
    ----------
    name
        For people, for example "GeoJSON outlines".
    suffix
        With its dot, for example ".ome.zarr".
    """

    name: str
    suffix: str
