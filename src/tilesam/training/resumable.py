"""What all training runs have in common: they can be killed, and go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tilesam.errors import TrainingError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tilesam.training.optimisation import WeightAverage
    from tilesam.training.run_files import RunFiles


class ResumableRun:
    """A run whose state is its step, its networks, the optimiser and the average.

    Attributes
    ----------
    files
        Where the checkpoint lies.
    network, optimizer, average
        Set by the run itself before anything else is called.
    step
        So many are done.
    """

    files: RunFiles
    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage

    def __init__(self) -> None:
        self.step = 0
        self._cpu_started = time.process_time()

    @property
    def cpu_seconds(self) -> float:
        """What the run has cost so far, over all its processes; not waiting."""
        return time.process_time() - self._cpu_started

    @property
    def _identity(self) -> str:
        """All that determines the run; a checkpoint of another one is refused."""
        raise NotImplementedError

    def _parts(self) -> dict[str, Any]:
        """Return everything with a state, by its name in the checkpoint."""
        return {
            "network": self.network,
            "optimizer": self.optimizer,
            "average": self.average,
        }

    def resume(self) -> None:
        """Go on from the last checkpoint.

        Raises
        ------
        TrainingError
            If there is none, it cannot be read, or it is of another run.
        """
        state = self.files.load_checkpoint()
        if state["identity"] != self._identity:
            raise TrainingError(
                f"the checkpoint {self.files.checkpoint} belongs to another recipe, "
                "architecture, model, seed or data; resume with the same options and "
                "data, or start a new run with another --out"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step = state["step"]
        self._cpu_started = time.process_time() - state["cpu_seconds"]

    def _save_checkpoint(self) -> None:
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        self.files.save_checkpoint(
            {
                "identity": self._identity,
                "step": self.step,
                "cpu_seconds": self.cpu_seconds,
                **parts,
            }
        )
