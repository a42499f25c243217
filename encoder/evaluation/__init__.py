"""The parts of the evaluation: what an encoder is worth on new galaxies; `encoder.evaluate` is its face."""
