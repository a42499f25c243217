-- Run once, when the data volume is empty: Dagster keeps its own tables apart from the catalogue.
CREATE DATABASE dagster;
