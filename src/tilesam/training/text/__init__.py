"""How the text encoder and the crop encoder are trained: masks, captions, a run."""

from __future__ import annotations
