"""What joins encoder and catalogue, whoever starts it: the command line, Dagster or a notebook."""
