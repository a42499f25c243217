"""Searches for anomalies, beside other methods."""
