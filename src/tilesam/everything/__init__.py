"""Segment everything: a grid of points in every tile, and whole objects out of it.

Decoding is what costs, and its results are kept as they come; which of the masks are
good enough, which are the same object and who owns a pixel is decided afterwards, and
may be decided again.
"""
