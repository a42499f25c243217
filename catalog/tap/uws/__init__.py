"""Asynchronous queries, which outlive their connection (UWS 1.1): their routes, their workers, their end."""
