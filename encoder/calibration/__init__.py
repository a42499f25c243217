"""Vote posteriors recalibrated to a survey by a few hundred volunteers' votes, vectors untouched."""
