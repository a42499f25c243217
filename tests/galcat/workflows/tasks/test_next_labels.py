"""Whom a person is asked about next: random galaxies first, then by the labels of the moment, none twice."""

from pathlib import Path

import pytest

from catalog.database.connection import connect
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import Task, add_task
from galcat.errors import WorkflowError
from galcat.workflows.page import PageError, choose_next
from galcat.workflows.tasks.next_labels import choose_next_labels
from tests.catalog.galaxies import fill

RING = Task("ring", "Has it a ring?", "binary", ("no", "yes"))


@pytest.fixture
def asked(database: str) -> str:
    """URL of a catalogue of 80 galaxies that asks for rings and for odd ones."""
    with connect(database, autocommit=True) as connection:
        fill(connection, 80)
        add_task(connection, RING)
        add_task(connection, Task("odd", "How odd?", "interest", ()))
    return database


def say(database: str, answers: dict[int, str]) -> None:
    with connect(database, autocommit=True) as connection:
        write_labels(connection, RING, [Label(*one) for one in answers.items()], "ana", "test")


def by_first_number(database: str) -> list[int]:
    """object_ids by the first of the full vector's numbers, which the test takes for what makes a ring."""
    with connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT object_id FROM galcat.embedding_full ORDER BY (vector::real[])[1], object_id"
        ).fetchall()
    return [int(row[0]) for row in rows]


def test_random_ones_come_until_there_are_two_of_each_answer(asked: str) -> None:
    first, beliefs, why = choose_next_labels(asked, "ring", 10)
    assert (len(set(first)), beliefs) == (10, [""] * 10)
    assert why == "random galaxies, until there are 2 of no"
    say(asked, dict.fromkeys(first[:5], "no") | {first[5]: "yes"})
    second, _, why = choose_next_labels(asked, "ring", 10)
    assert why == "random galaxies, until there are 2 of yes"
    assert not set(second) & set(first[:6])


def test_then_the_probable_take_turns_with_those_in_doubt_and_no_labelled_one_comes_again(asked: str) -> None:
    order = by_first_number(asked)
    labelled = dict.fromkeys(order[:20], "no") | dict.fromkeys(order[-12:], "yes")
    say(asked, labelled)
    chosen, beliefs, why = choose_next_labels(asked, "ring", 10)
    assert len(set(chosen)) == 10
    assert not set(chosen) & set(labelled)
    assert why.startswith("the most probable of yes, in turn with those that the model cannot place")
    assert why.endswith("learnt from 32 galaxies")
    probable = [float(belief.removeprefix("yes ")) for belief in beliefs[::2]]
    assert probable == sorted(probable, reverse=True)
    assert [one for one in choose_next(asked, "ring", 10).galaxies if one.object_id in labelled] == []


def test_a_search_gives_its_open_round(asked: str) -> None:
    chosen, beliefs, why = choose_next_labels(asked, "odd", 10)
    assert (len(chosen), beliefs) == (10, [""] * 10)
    assert why == "round 1: a first look at random galaxies"
    assert choose_next_labels(asked, "odd", 10)[0] == chosen


def test_when_all_are_labelled_the_visitor_is_told(asked: str) -> None:
    ids = by_first_number(asked)
    say(asked, dict.fromkeys(ids, "no"))
    with pytest.raises(WorkflowError, match="every galaxy has a label of task ring"):
        choose_next_labels(asked, "ring", 10)
    with pytest.raises(PageError, match="every galaxy has a label"):
        choose_next(asked, "ring", 10)
    with pytest.raises(PageError, match="no task is called 'none'"):
        choose_next(asked, "none", 10)


def test_a_picture_that_cannot_be_read_is_the_visitors_fault(asked: str, tmp_path: Path) -> None:
    from galcat.workflows.page import encode_picture  # noqa: PLC0415 - beside its only test

    broken = tmp_path / "picture.png"
    broken.write_bytes(b"\x89PNG broken")
    with pytest.raises(PageError, match="the picture") as told:
        encode_picture(asked, broken)
    assert str(tmp_path) not in str(told.value)
