"""When it runs: the jobs and the command line that join encoder and catalogue."""
