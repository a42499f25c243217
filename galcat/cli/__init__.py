"""The command `galcat`, a file for each group of its sub-commands."""
