"""A demand that a tuning makes of what it is given."""

from encoder.errors import TaskError


def check(ok: bool, message: str) -> None:
    """Raise `TaskError` with a message unless all is well."""
    if not ok:
        raise TaskError(message)
