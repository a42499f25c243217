"""A plugin of pytest for `tests.mutation`: the cheapest tests come first, and none runs for ever."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

QUICK = "MUTATION_QUICK"
"""Variable that is set where no test is run that asks a database, tries random inputs, or takes a second."""
_SECONDS = Path("test-seconds.json")  # in the folder where mutmut runs tests
"""Processor time of every test, as it was without a fault: on a busy machine the clock says nothing of it."""
_QUICK_S = 1.0
_TIMES, _SPARE_S = 20, 20
"""A fault may make a test take so many times as long, and so much longer, before it counts as noticed."""
_TIMED_OUT = 36  # as mutmut says it
_counted: dict[str, float] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort by what tests took without a fault, with a database last, and leave out what is not quick."""
    durations = _durations()
    items.sort(key=lambda item: (_asks_a_database(item), durations.get(item.nodeid, 0)))
    if QUICK in os.environ:
        slow = [item for item in items if not _is_quick(item, durations.get(item.nodeid, 0))]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def _asks_a_database(item: pytest.Item) -> bool:
    return "postgres_url" in getattr(item, "fixturenames", ())


def _is_quick(item: pytest.Item, taken_s: float) -> bool:
    return not _asks_a_database(item) and item.get_closest_marker("fuzz") is None and taken_s < _QUICK_S


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """End the process when a test takes many times the processor time that it took without a fault."""
    taken = _durations().get(item.nodeid)
    if taken is not None:
        signal.signal(signal.SIGPROF, _time_out)
        signal.setitimer(signal.ITIMER_PROF, _TIMES * taken + _SPARE_S)
    began = _used_s()
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if taken is None:
            _counted[item.nodeid] = _used_s() - began


def pytest_sessionfinish() -> None:
    """Keep what tests took in the first run, which has no fault."""
    if _counted and not _SECONDS.is_file():
        _SECONDS.write_text(json.dumps(_counted))


def _used_s() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def _durations() -> dict[str, float]:
    return json.loads(_SECONDS.read_text()) if _SECONDS.is_file() else {}


def _time_out(_signal: int, _frame: FrameType | None) -> None:
    os._exit(_TIMED_OUT)
