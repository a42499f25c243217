"""Labels and ratings to columns, and what to label next."""
