"""The engine's thread and the window's, and how they hear of each other."""
