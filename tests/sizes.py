"""How large a test is: a small piece in `make test`, TIMES as much of the same in `make test-long`."""

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("TEST_TIMES", "1"))
"""1 in `make test`."""

_Value = TypeVar("_Value")


def fuzzing(examples: int) -> settings:
    """How hypothesis tries a test: the same examples each time; TIMES as many, and others, where that is > 1.

    Args:
        examples: How many in `make test`.
    """
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


def first_or_all(values: Sequence[_Value], n: int) -> Sequence[_Value]:
    """The first n of the values in `make test`, all of them in `make test-long`."""
    return values[:n] if TIMES == 1 else values


def moments_s(n: int, last_s: float) -> list[float]:
    """Seconds after which something is killed: n moments, or TIMES n, evenly from 0 to before the last."""
    return [last_s * i / (n * TIMES) for i in range(n * TIMES)]
