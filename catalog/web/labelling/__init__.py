"""Labelling on the page: who is logged in, what they say, and what they are asked next."""
