"""Image encoders: (B, 3, S, S) normalised pixels to (B, 256, S/16, S/16)."""
