"""Which tests run beside busy processes: those that wait themselves, not those whose fixture did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests import loaded
from tests.galcat.held_tiles import kill_when_held
from tests.galcat.processes import start_process, wait_while_running
from tests.waiting import LAST_LIMIT_S, wait_until, wait_until_alone


def waiting_itself() -> None:
    wait_until(bool)


def waiting_in_a_function_of_its_own() -> Callable[[], None]:
    def inner() -> None:
        wait_until_alone("")

    return inner


def waiting_by_a_helper() -> None:
    wait_while_running("", bool, [])


def waiting_by_a_helper_of_another_file() -> object:
    return kill_when_held


@contextmanager
def around() -> Iterator[None]:
    wait_until(bool)
    yield


def waiting_within_a_context() -> None:
    with around():
        pass


def calling_itself_and_waiting() -> None:
    calling_itself()
    waiting_itself()


def calling_itself() -> None:
    calling_itself()


def starting_a_process() -> float:
    assert start_process is not None
    return LAST_LIMIT_S


@pytest.mark.parametrize(
    ("function", "is_chosen"),
    [
        (waiting_itself, True),
        (waiting_in_a_function_of_its_own, True),
        (waiting_by_a_helper, True),
        (waiting_by_a_helper_of_another_file, True),
        (waiting_within_a_context, True),
        (calling_itself_and_waiting, True),
        (calling_itself, False),
        (starting_a_process, False),
    ],
)
def test_what_waits_is_chosen_however_deep_and_nothing_else(
    function: Callable[..., object], *, is_chosen: bool
) -> None:
    assert loaded.waits(function) == is_chosen
