"""Positions of windows along one axis of one level; all lengths in its pixels.

Windows begin at multiples of the stride. The last one is moved back so that it ends
with the image, and a level that is shorter than a window has a single position.
"""

from __future__ import annotations

from dataclasses import dataclass

STRIDES_PER_WINDOW = 4
COVERAGE_STEP = 3
"""Every third position: neighbours are 3/4 of a window apart, so a quarter overlaps."""

MARGINS_PER_WINDOW = 8
"""A window serves what lies an eighth of it away from its edges, or at the image's.

Neighbours of the coverage share a quarter, so every place is served by one of them.
"""


@dataclass(frozen=True)
class Axis:
    """One axis of a level.

    Parameters
    ----------
    length
        Of the level along this axis.
    window
        Side of a window.
    """

    length: int
    window: int

    @property
    def stride(self) -> int:
        """Distance of neighbouring positions."""
        return self.window // STRIDES_PER_WINDOW

    @property
    def margin(self) -> int:
        """What is kept free around prompts, except towards the image's edge."""
        return self.window // MARGINS_PER_WINDOW

    @property
    def last(self) -> int:
        """Number of the last position."""
        return -(-max(self.length - self.window, 0) // self.stride)

    def origin(self, index: int) -> int:
        """Return where the window at a position begins."""
        return min(index * self.stride, max(self.length - self.window, 0))

    def is_coverage(self, index: int) -> bool:
        """Return whether a position is one of those that together show everything."""
        return index % COVERAGE_STEP == 0 or index == self.last

    def coverage(self, start: int, stop: int) -> list[int]:
        """Return the coverage positions whose windows share pixels with start..stop."""
        first = max((start - self.window) // self.stride, 0)
        first -= first % COVERAGE_STEP
        beyond = min(-(-stop // self.stride), self.last + 1)
        positions = [*range(first, beyond, COVERAGE_STEP), self.last]
        return [
            index
            for index in dict.fromkeys(positions)
            if self.origin(index) < stop and self.origin(index) + self.window > start
        ]

    def best(self, start: int, stop: int, *, coverage_only: bool) -> int | None:
        """Return the position whose window shows start..stop most centrally.

        Parameters
        ----------
        start, stop
            Half-open, within the level.
        coverage_only
            Consider every third position alone, and the last.

        Returns
        -------
        int or None
            The margin is kept free on both sides except towards the image's edges;
            None if no position does that. Of two equally central ones the first.
        """
        lowest, highest = self._serving(start, stop)
        step = COVERAGE_STEP if coverage_only else 1
        # The central position, counted in strides, rounded down to a candidate.
        centre = (start + stop - self.window) // (2 * self.stride)
        below = centre - centre % step
        nearby = (below, below + step, 0, self.last)
        ends = () if coverage_only else (lowest, highest)
        serving = [i for i in (*nearby, *ends) if lowest <= i <= highest]
        return min(
            serving, key=lambda i: (self._off_centre(i, start, stop), i), default=None
        )

    def serves(self, index: int, start: int, stop: int) -> bool:
        """Return whether a window shows start..stop with its margin."""
        lowest, highest = self._serving(start, stop)
        return lowest <= index <= highest

    def _serving(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first and the last position that serve; first > last if none."""
        beyond = stop + self.margin - self.window
        lowest = min(max(-(-beyond // self.stride), 0), self.last)
        before = start - self.margin
        if before >= self.origin(self.last):
            return lowest, self.last
        return lowest, max(before // self.stride, 0)

    def _off_centre(self, index: int, start: int, stop: int) -> int:
        return abs(2 * self.origin(index) + self.window - start - stop)
