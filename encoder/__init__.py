"""Pixels to vectors, vectors to morphology: the encoder and its image recipe."""
