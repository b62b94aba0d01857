"""A phrase becomes scored masks: proposals, backends that score them, one threshold.

Import what is needed from the modules; `tilesam.text.backends` says which backends
there are. Nothing here is loaded before a phrase is asked.
"""

from __future__ import annotations
