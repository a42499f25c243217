"""The commands of `galcat`, a file for each group."""
