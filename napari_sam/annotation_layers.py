"""All layers that the annotation of one image adds to a viewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image, Layer, Shapes

from napari_sam.chosen_objects import ChosenObjects
from napari_sam.drawn_state import DrawnState
from napari_sam.layers.candidate_layers import CandidateLayers
from napari_sam.layers.coordinates import Plane
from napari_sam.layers.line_width import LineWidths
from napari_sam.layers.new_objects_layer import labels_shape
from napari_sam.layers.prompt_layers import PromptLayers
from napari_sam.layers.region_layer import RegionLayer
from napari_sam.layers.tile_map_layer import TileMapLayer
from napari_sam.mouse_preview import MousePreview
from napari_sam.similar_selection import SimilarSelection
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.threads.engine_thread import EngineThread
from napari_sam.threads.gui_thread import GuiThread

if TYPE_CHECKING:
    from napari import Viewer


class AnnotationLayers:
    """Prompts, candidates, objects, the map of tiles, the region, what stands out.

    Parameters
    ----------
    viewer, image
        The layer that is annotated, and where.
    state, tiles
        What the layers show and change.
    thread, gui
        On which previews are found, and shown.
    plane
        Returns which plane is annotated.
    labels_folder
        Returns a folder for labels that are too large for the memory.
    """

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        state: AnnotationState,
        tiles: EmbeddingState,
        thread: EngineThread,
        gui: GuiThread,
        *,
        plane: Callable[[], Plane],
        labels_folder: Callable[[], Path],
    ) -> None:
        layers = viewer.layers
        self.tile_map = TileMapLayer(layers, image, tiles, gui.later)
        self.region = RegionLayer(layers, image)
        self.prompts = PromptLayers(layers, viewer.dims, image)
        self.candidates = CandidateLayers(layers, image, below=self.of_prompts)
        self.objects = ChosenObjects(
            *(layers, viewer.dims, image),
            below=lambda: [*self.of_prompts, *self._of_answers],
            plane=plane,
            place=labels_folder,
        )
        self.similar = SimilarSelection(
            *(layers, self.objects, thread, tiles),
            later=gui.later,
            below=lambda: [*self.of_prompts, *self._of_answers],
        )
        self._layers = layers
        self._lines = LineWidths(viewer.scene.camera, self._with_lines)
        layers.events.inserted.connect(self._lines.update)
        self._lines.update()
        self.drawn = DrawnState(
            *(state, self.prompts, self.candidates),
            plane=plane,
            image_hw=lambda: labels_shape(image)[-2:],
        )
        self.preview = MousePreview(
            *(viewer, image, self.prompts, state, thread), later=gui.later
        )

    @property
    def of_prompts(self) -> tuple[Layer, ...]:
        """The layers without which nothing can be asked."""
        return self.prompts.points, self.prompts.boxes

    def close(self) -> None:
        """Remove all but the objects, which stay in the viewer."""
        self.drawn.close()
        self._layers.events.inserted.disconnect(self._lines.update)
        self._lines.close()
        parts = (self.similar, self.objects, self.tile_map, self.region, self.preview)
        for part in parts:
            part.close()
        self.candidates.close()
        self.prompts.close()

    def _with_lines(self) -> list[Shapes]:
        region = self.region.layer
        return [self.prompts.boxes, *([] if region is None else [region])]

    @property
    def _of_answers(self) -> list[Layer]:
        """The layers of candidates, also while they are hidden."""
        layers = [self.candidates.layer(rank) for rank in range(3)]
        return [layer for layer in layers if layer is not None]
