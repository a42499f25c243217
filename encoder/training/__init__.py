"""The parts of training; `encoder.train` is its face."""
