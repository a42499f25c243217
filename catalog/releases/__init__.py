"""The life of a release: created, filled, promoted, dropped."""
