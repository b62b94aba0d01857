"""Training of the refiner: `answers` of the decoder, `regions` around them, `run`."""
