"""A phrase about an image: masks are decoded once, and asked about at will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.text.backends import AskedImage, load_backend
from tilesam.text.proposals import Proposals, text_settings
from tilesam.text.query import build_query

if TYPE_CHECKING:
    from tilesam.everything.settings import EverythingSettings
    from tilesam.text.backends import TextBackend
    from tilesam.text.scored import ScoredMasks
    from tilesam.tiled_image import TiledImage
    from tilesam.types import Window

_Key = tuple[Any, ...]


class TextAsking:
    """What is kept between phrases about one image: the latest proposals.

    Parameters
    ----------
    image
        The image with its model.
    """

    def __init__(self, image: TiledImage) -> None:
        self._image = image
        self._latest: tuple[_Key, Proposals] | None = None

    def find(
        self,
        phrase: str,
        *,
        region: Window | None = None,
        backend: str | TextBackend = "embedded",
        settings: EverythingSettings | None = None,
        **options: Any,
    ) -> ScoredMasks:
        """Return masks with scores, see `PromptedImage.find_text`."""
        asking = {name: options.pop(name) for name in _OF_QUERY if name in options}
        query = build_query(phrase, **asking, image_hw=self._image.image_hw)
        chosen = text_settings(self._image.model.network.config, settings)

        def proposals() -> Proposals:
            return self._proposals(region, chosen, options)

        asked = AskedImage(
            self._image, region, proposals, {**options, "settings": settings}
        )
        if isinstance(backend, str):
            backend = load_backend(backend)
        return backend.find(query, asked)

    def _proposals(
        self,
        region: Window | None,
        settings: EverythingSettings,
        options: dict[str, Any],
    ) -> Proposals:
        key = (region, settings, options.get("object_diameter"), options.get("levels"))
        if self._latest is None or self._latest[0] != key:
            decoded = self._image.decode_everything(
                region, settings=settings, **options
            )
            self._latest = (key, Proposals.of(decoded))
        return self._latest[1]


_OF_QUERY = (
    *("negative_phrases", "points_yx", "point_labels", "exemplar_boxes", "redecode"),
)
