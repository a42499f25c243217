"""What can go wrong while a job runs."""


class JobError(Exception):
    """A job cannot go on; its text is one line."""
