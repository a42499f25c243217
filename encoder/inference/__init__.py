"""Pictures to vectors and vote fractions."""
