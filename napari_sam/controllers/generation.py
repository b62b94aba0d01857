"""Which of several requests is the latest; answers to all others are late."""

from __future__ import annotations

from collections.abc import Callable


class Generation:
    """Numbers requests of one kind; used on one thread, and asked from any.

    Attributes
    ----------
    number
        Of the latest request.
    """

    def __init__(self) -> None:
        self.number = 0

    def advance(self) -> Callable[[], bool]:
        """Begin a request, which makes all earlier ones late.

        Returns
        -------
        callable
            Tells whether this one is late by now.
        """
        self.number += 1
        own = self.number
        return lambda: self.number != own
