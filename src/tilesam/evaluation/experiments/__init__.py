"""The paper's experiments, one module each: an image in, plain figures out."""
