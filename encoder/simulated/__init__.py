"""The parts of the simulated survey; `encoder.simulate` is its face."""
