"""The steps of `tilesam.tiling.stitch`, which see masks and windows alone.

A mask of one window is a *sighting* of an object (`sightings`). Sightings of two
windows are compared where both look (`overlaps`), matched one to one (`matching`) or
several to one (`branches`), and it is decided which are copies, continuations and
fragments (`seams`). Objects are made of them (`objects`); `openings` tells where one is
cut.
"""
