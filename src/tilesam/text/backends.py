"""Who finds what a phrase means: backends by name, loaded when they are asked for.

A backend does what `TextBackend` says. Those that need more than this package are
imported only when they are named, and take the name of a model.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tilesam.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tilesam.text.proposals import Proposals
    from tilesam.text.query import TextQuery
    from tilesam.text.scored import ScoredMasks
    from tilesam.tiled_image import TiledImage
    from tilesam.types import Window

INSTALL = 'pip install "napari-sam-tiles[text]"'
"""What brings the backends that know any word."""


class AskedImage(NamedTuple):
    """An image, and how a backend gets at its masks.

    Parameters
    ----------
    image
        With its pixels, lattice, model and embeddings.
    region
        Part of the image; None is all of it.
    proposals
        Returns what segment everything proposes there, decoded when it is called first
        and kept; the same proposals are the same object.
    options
        With which they are decoded, see `tilesam.everything.decoded.decode_everything`;
        `levels`, `object_diameter`, `settings`, `progress` and `cancelled` are for
        backends that search the windows themselves.
    """

    image: TiledImage
    region: Window | None
    proposals: Callable[[], Proposals]
    options: Mapping[str, Any] = MappingProxyType({})


class TextBackend(Protocol):
    """Finds what a phrase means."""

    @property
    def name(self) -> str:
        """What people call it."""

    def concepts(self) -> tuple[str, ...]:
        """Return phrases to offer for completion; none if it knows any word."""

    def notice(self, query: TextQuery) -> str | None:
        """Return what a person should know before anything is decoded, or None."""

    def find(self, query: TextQuery, asked: AskedImage) -> ScoredMasks:
        """Return masks with scores.

        Raises
        ------
        TextError
            If the query cannot be answered at all.
        """


_PLACES = {
    "embedded": ("tilesam.text.embedded", "EmbeddedBackend"),
    "clip": ("tilesam.text.clip", "ClipBackend"),
    "grounding": ("tilesam.text.grounding", "GroundingBackend"),
}

BACKENDS: tuple[str, ...] = tuple(_PLACES)
"""Names, the default first."""


@lru_cache(maxsize=4)
def load_backend(name: str = "embedded") -> TextBackend:
    """Return a backend by its name; the latest are kept.

    Parameters
    ----------
    name
        One of `BACKENDS`. Behind a colon may stand which model "clip" and "grounding"
        take: a name on the hub, or the path of a folder, as in "clip:models/siglip".

    Raises
    ------
    TextError
        If there is none of this name, or if what it needs is not installed.
    """
    kind, _, model = name.partition(":")
    if kind not in _PLACES:
        raise TextError(
            f"there is no text backend {kind!r}; expected one of {', '.join(BACKENDS)}"
        )
    if model and kind == "embedded":
        raise TextError(
            f"the text backend {name!r} names a model, but 'embedded' has its own; "
            "expected clip:MODEL or grounding:MODEL"
        )
    module, attribute = _PLACES[kind]
    try:
        found = getattr(import_module(module), attribute)
        backend: TextBackend = found(model) if model else found()
    except ImportError as error:
        raise TextError(
            f"the text backend {kind!r} is not installed ({error.name or error} is "
            f"missing); install it with: {INSTALL}"
        ) from error
    return backend
