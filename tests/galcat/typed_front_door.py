"""How others use the front door, for the type checker alone: `make check` reads it among our own modules."""

from typing import assert_type

import galcat


def ask(catalogue: galcat.Catalogue) -> int:
    return len(catalogue.sql("SELECT 1"))


assert_type(galcat.__version__, str)
# Were the class unknown, nothing would be wrong here, and mypy would complain of an ignore without use.
wrong: int = galcat.Search(like=(1,))  # type: ignore[assignment]
