"""The network: configurations, image encoders, prompt encoder, mask decoder."""
