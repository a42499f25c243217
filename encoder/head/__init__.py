"""The parts of a head, a new question learnt from few labels; `encoder.heads` is its face."""
