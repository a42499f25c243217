"""How an error ends a step: one line, and tried again only where that may help."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from galcat.reasons import EXPECTED, is_passing, reason


@contextmanager
def one_line() -> Iterator[None]:
    """Turn every expected error into a failure that says it in one line."""
    try:
        yield
    except EXPECTED as error:
        raise dg.Failure(reason(error), allow_retries=is_passing(error)) from error
