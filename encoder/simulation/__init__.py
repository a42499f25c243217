"""A simulated survey with truth and Galaxy Zoo votes."""
