"""Optimiser, learning-rate schedule and the running average of the weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from tilesam.training.recipes import Recipe

FINAL_SHARE = 0.01
"""Learning rate at the end, as a share of the peak."""


def build_optimizer(modules: list[nn.Module], recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW over the modules; vectors (norms, biases, tokens) do not decay."""
    parameters = [p for module in modules for p in module.parameters()]
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.999),
    )


def learning_rate(step: int, recipe: Recipe) -> float:
    """Return the rate of a step: a linear warm-up, then down a cosine."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    span = max(recipe.total_steps - recipe.warmup_steps, 1)
    progress = min((step - recipe.warmup_steps) / span, 1.0)
    share = FINAL_SHARE + (1 - FINAL_SHARE) * (1 + math.cos(math.pi * progress)) / 2
    return recipe.learning_rate * share


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters of an optimiser one learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class WeightAverage:
    """An exponential moving average of a network's state.

    The decay starts low, so that the average soon forgets the random weights.

    Parameters
    ----------
    network
        Its floating-point state is averaged, the rest is copied.
    decay
        Share of the average that is kept each step, in the long run.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.state = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the present state of the network."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def state_dict(self) -> dict[str, Tensor | int]:
        """Return everything needed to go on, for a checkpoint."""
        return {"updates": self.updates, **self.state}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Go on from what `state_dict` returned."""
        self.updates = int(state["updates"])
        for name, value in self.state.items():
            value.copy_(torch.as_tensor(state[name]))
