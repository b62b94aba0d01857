"""Weights: which there are, where they come from, and how to load them safely.

`registry` knows the names, `locations` the folders, `download` fetches, `digests` and
`receipts` make sure that a file is what it should be, `files` reads it without running
anything from it, `architectures` finds out what it is, `loading` makes a model of it.
All but the last three do without torch.
"""

from __future__ import annotations
