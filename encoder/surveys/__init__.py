"""Surveys described by TOML files."""
