"""A catalogue recovered at some instants of its history, and killed at others: a small piece of `python -m
tests.recovery`."""

from collections.abc import Iterator

import pytest

from tests.conftest import new_home, remove_home
from tests.recovery.__main__ import SEED, draw, kill_at
from tests.recovery.instants import Archive, make_archive, recover_at
from tests.sizes import TIMES

INSTANTS, KILLS = 3 * TIMES, max(1, TIMES // 5)

pytestmark = [pytest.mark.long, pytest.mark.kills]


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    home = new_home()
    yield make_archive(home)
    remove_home(home)


@pytest.mark.parametrize("one", range(INSTANTS))
def test_at_every_instant_nothing_is_half_there_or_lost(archive: Archive, one: int) -> None:
    assert recover_at(archive, draw(archive, INSTANTS)[one]).problems == []


@pytest.mark.parametrize("one", range(KILLS))
def test_killed_at_any_moment_it_comes_back_and_ends_as_without_the_kill(archive: Archive, one: int) -> None:
    assert kill_at(archive, draw(archive, KILLS, SEED + 1)[one]).problems == []
