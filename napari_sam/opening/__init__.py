"""From an image layer to a session that can be asked: pixels, model, store."""
