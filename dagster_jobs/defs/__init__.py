"""The Dagster definitions, one file a kind."""
