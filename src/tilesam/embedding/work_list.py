"""The tiles that are still to do, and how two runs keep out of each other's way.

Two processes that fill one store begin with the same tile and would go on side by side,
each embedding what the other embeds at that moment. So a run that meets the work of
another goes on far from it; no locks are needed, and a killed process leaves none.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set

    from tilesam.types import TileKey

FAR = (5**0.5 - 1) / 2
"""Share of the list to skip: repeated, it never comes back to where it was before."""


class Outcome(Protocol):
    """What became of a tile, as far as it matters for which tile is next."""

    @property
    def key(self) -> TileKey:
        """The tile."""

    @property
    def status(self) -> str:
        """`"present"` if it was stored already."""


OutcomeT = TypeVar("OutcomeT", bound=Outcome)


class WorkList:
    """Tiles to do: those that are missing first, then those that are to be checked.

    Parameters
    ----------
    plan
        All tiles of the run, in their order.
    stored
        Those that the store has already.
    """

    def __init__(self, plan: Sequence[TileKey], stored: Set[TileKey]) -> None:
        self._missing = deque(key for key in plan if key not in stored)
        self._stored = deque(key for key in plan if key in stored)
        self._believed_missing = set(self._missing)
        self.missing_at_start = frozenset(self._missing)

    def __len__(self) -> int:
        return len(self._missing) + len(self._stored)

    def take(self) -> TileKey | None:
        """Return the next tile and forget it; None if there is none left."""
        if self._missing:
            return self._missing.popleft()
        return self._stored.popleft() if self._stored else None

    def give_back(self, keys: Iterable[TileKey]) -> None:
        """Put tiles that were taken, but not done, before all others again."""
        for key in reversed(list(keys)):
            is_missing = key in self._believed_missing
            (self._missing if is_missing else self._stored).appendleft(key)

    def is_done_by_others(self, outcome: Outcome) -> bool:
        """Return whether a tile that was missing turned out to be there."""
        return outcome.status == "present" and outcome.key in self._believed_missing

    def move_away(self, stored: Set[TileKey]) -> None:
        """Go on far from the next tile, because another process works there.

        Parameters
        ----------
        stored
            What the store has now; it is only checked, at the end.
        """
        self._believed_missing -= stored
        self._stored.extend(key for key in self._missing if key in stored)
        self._missing = deque(key for key in self._missing if key not in stored)
        self._missing.rotate(-round(FAR * len(self._missing)))
