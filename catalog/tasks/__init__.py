"""Questions that people ask, their labels and ratings, and the scores of models."""
