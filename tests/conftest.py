"""Laws are checked on drawn examples; on a busy machine one of them may take long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
