"""What a training run consists of: phases, their sizes, and the named recipes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tilesam.errors import TrainingError
from tilesam.training.augmentation import Zoom


@dataclass(frozen=True)
class LossWeights:
    """How much each part of the loss of one mask counts.

    The paper's 20 : 1 of focal to dice is the default. From random weights it falls
    into empty masks; cross-entropy and dice in equal parts do not.
    """

    focal: float = 20.0
    dice: float = 1.0
    cross_entropy: float = 0.0
    iou: float = 1.0


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one crop size and one kind of task.

    Parameters
    ----------
    steps
        Optimiser steps.
    size
        Side of the crops in pixels, a multiple of 64.
    batch_size
        Crops a step.
    prompts_per_image
        Objects asked for in each crop, half by a point first, half by a box. 0 trains
        on dense targets alone.
    error_points
        Rounds with one more point in the error region, after the first prompt.
    repeats
        Rounds that only feed the mask back: the last one, and before it at random
        places.
    zoom
        How large objects are in the crop.
    dense_weight
        Weight of the dense targets beside the prompts.
    scene_share
        Share of crops that come from rendered scenes.
    """

    steps: int
    size: int
    batch_size: int
    prompts_per_image: int
    error_points: int
    repeats: int = 0
    zoom: Zoom = field(default_factory=Zoom)
    losses: LossWeights = field(default_factory=LossWeights)
    dense_weight: float = 0.0
    scene_share: float = 0.25


@dataclass(frozen=True)
class Prompting:
    """How a network is asked, and what of its answers counts.

    Parameters
    ----------
    multimask_output
        Whether a single point is answered by three masks, not by the single one.
    mask_feedback
        Whether further prompts on an object come with the logits that they correct.
    """

    multimask_output: bool = True
    mask_feedback: bool = True


@dataclass(frozen=True)
class Recipe:
    """All that determines a run besides the data and the seed.

    Parameters
    ----------
    architecture
        A name in `tilesam.model.configs.CONFIGS`.
    learning_rate
        Peak; reached after `warmup_steps`, then down a cosine to a hundredth.
    ema_decay
        Of the average of the weights that is validated and saved.
    bfloat16
        Compute under autocast. On a CPU with AVX512-BF16 a step of `tiny` at 512
        pixels takes 0.53 s instead of 0.75 s, with losses equal to a thousandth.
    prompting
        The same in all phases.
    input_size
        What the weights are said to be for, in pixels; None is what the architecture
        is for. Phases have sizes of their own.
    """

    architecture: str
    phases: tuple[Phase, ...]
    learning_rate: float = 8e-4
    weight_decay: float = 0.1
    warmup_steps: int = 250
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    drop_path_rate: float = 0.0
    validate_every: int = 200
    bfloat16: bool = False
    prompting: Prompting = field(default=Prompting(), repr=False)
    input_size: int | None = field(default=None, repr=False)

    @property
    def description(self) -> str:
        """All of it as text, which tells runs apart.

        Of the last two fields it says only what is not as usual: runs that began
        before there were such go on.
        """
        text = repr(self)
        if self.prompting != Prompting():
            text += f" {self.prompting!r}"
        if self.input_size is not None:
            text += f" input_size={self.input_size}"
        return text

    @property
    def total_steps(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> tuple[int, int]:
        """Return the index of the phase of a step and that phase's first step."""
        start = 0
        for index, phase in enumerate(self.phases):
            if step < start + phase.steps:
                return index, start
            start += phase.steps
        raise TrainingError(
            f"step {step} is beyond the {self.total_steps} steps of the recipe"
        )


ROBUST = LossWeights(focal=0.0, dice=5.0, cross_entropy=5.0)
"""Finds its way from random weights."""

BLEND = LossWeights(focal=20.0, dice=2.0, cross_entropy=2.0)
"""On the way from `ROBUST` to the paper's weights."""

SHARP = LossWeights(focal=20.0, dice=5.0)
"""For networks that have found their way: the ground counts as much as it covers."""

LARGE_OBJECTS = Zoom(object_probability=1.0, object_fraction=(0.2, 0.7))
MIXED_OBJECTS = Zoom(
    object_probability=0.6, object_fraction=(0.08, 0.6), jitter_scale=(0.5, 2.0)
)
WHOLE_IMAGES = Zoom(
    object_probability=0.4, object_fraction=(0.06, 0.5), jitter_scale=(0.6, 1.6)
)


def _tiny_cpu(architecture: str) -> Recipe:
    """Take two cores and about half an hour: small crops first, few rounds."""
    dense = Phase(200, 256, 8, 0, 0, zoom=MIXED_OBJECTS, dense_weight=1.0)
    first_prompts = Phase(
        *(500, 256, 4, 8, 0, 0, LARGE_OBJECTS, ROBUST), dense_weight=0.5
    )
    return Recipe(
        architecture,
        (
            replace(dense, scene_share=0.1),
            replace(first_prompts, scene_share=0.1),
            Phase(1000, 256, 4, 8, 1, 0, MIXED_OBJECTS, ROBUST, 0.2, 0.15),
            Phase(750, 512, 2, 10, 1, 0, WHOLE_IMAGES, BLEND, 0.1, 0.15),
        ),
        learning_rate=6e-4,
        warmup_steps=30,
        weight_decay=0.05,
        ema_decay=0.995,
        validate_every=250,
    )


def _finetune_cpu(architecture: str) -> Recipe:
    """Go on from given weights for a quarter of an hour, at full input size."""
    return Recipe(
        architecture,
        (Phase(750, 512, 2, 8, 1, 0, WHOLE_IMAGES, SHARP, 0.3, 0.1),),
        learning_rate=4e-4,
        warmup_steps=30,
        weight_decay=0.05,
        ema_decay=0.99,
        validate_every=250,
    )


def _continue_cpu(architecture: str) -> Recipe:
    """Go on for an hour or more; the second half corrects twice."""
    return Recipe(
        architecture,
        (
            Phase(3000, 512, 2, 8, 1, 0, WHOLE_IMAGES, SHARP, 0.3, 0.05),
            Phase(3000, 512, 2, 8, 2, 0, WHOLE_IMAGES, SHARP, 0.2, 0.05),
        ),
        learning_rate=5e-4,
        warmup_steps=100,
        weight_decay=0.05,
        ema_decay=0.998,
        validate_every=500,
        bfloat16=True,
    )


def _tiny_gpu(architecture: str) -> Recipe:
    """Take one large GPU and about twenty-five minutes."""
    return Recipe(
        architecture,
        (
            Phase(500, 256, 64, 0, 0, zoom=LARGE_OBJECTS, dense_weight=1.0),
            Phase(4000, 256, 64, 16, 2, 1, MIXED_OBJECTS, ROBUST, dense_weight=0.2),
            Phase(5000, 512, 32, 16, 3, 1, WHOLE_IMAGES, BLEND, dense_weight=0.1),
            Phase(1500, 512, 32, 16, 4, 2, WHOLE_IMAGES),
        ),
        weight_decay=0.05,
        drop_path_rate=0.1,
        validate_every=500,
        bfloat16=True,
    )


def _paper(architecture: str) -> Recipe:
    """Take the paper's numbers (appendix A), for those who have its machines."""
    jitter = Zoom(object_probability=0.0, jitter_scale=(0.1, 2.0))
    return Recipe(
        architecture,
        (Phase(90_000, 1024, 256, 64, 8, 2, jitter, scene_share=0.0),),
        drop_path_rate=0.4,
        validate_every=5000,
        bfloat16=True,
    )


def _smoke(architecture: str) -> Recipe:
    """Take a few steps through every part, to see that an installation can train."""
    return Recipe(
        architecture,
        (
            Phase(
                2, 64, 2, 0, 0, zoom=LARGE_OBJECTS, dense_weight=1.0, scene_share=0.0
            ),
            Phase(4, 64, 2, 2, 1, 1, LARGE_OBJECTS, ROBUST, scene_share=0.0),
        ),
        warmup_steps=2,
        validate_every=3,
    )


_RECIPES = {
    "tiny-cpu": _tiny_cpu,
    "finetune-cpu": _finetune_cpu,
    "continue-cpu": _continue_cpu,
    "tiny-gpu": _tiny_gpu,
    "paper": _paper,
    "smoke": _smoke,
}
RECIPE_NAMES = tuple(_RECIPES)


def build_recipe(name: str, architecture: str) -> Recipe:
    """Return a recipe by name for an architecture by name.

    Raises
    ------
    TrainingError
        If there is no recipe of this name.
    """
    if name not in _RECIPES:
        raise TrainingError(
            f"there is no recipe {name!r}; there are {', '.join(RECIPE_NAMES)}"
        )
    return _RECIPES[name](architecture)
