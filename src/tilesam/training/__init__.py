"""Training: labelled samples, simulated prompts, losses and the loop."""
