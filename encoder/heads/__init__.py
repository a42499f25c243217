"""A new question learnt from few labels on stored vectors."""
