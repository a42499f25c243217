"""Galaxies of which some have a ring, the task that asks for it, and people who label them."""

from catalog.database.connection import connect
from catalog.database.read_only import run_query
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task, make_task
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies, fill_labelled

RING = make_task("ring", "Has it a ring?", ())
N = 400


def fill_ring_task(database: str) -> LabelledGalaxies:
    """Fill a catalogue with N galaxies and the task."""
    with connect(database, autocommit=True) as connection:
        there = fill_labelled(connection, N)
        add_task(connection, RING)
    return there


def say(
    database: str, galaxies: LabelledGalaxies, rows: range, *, wrong: bool = False, who: str = "ann"
) -> None:
    said = [
        Label(int(galaxies.object_ids[i]), "yes" if bool(galaxies.answer[i]) is not wrong else "no")
        for i in rows
    ]
    with connect(database, autocommit=True) as connection:
        write_labels(connection, RING, said, who, "test")


def column(database: str) -> dict[int, float | None]:
    with connect(database, autocommit=True) as connection:
        return dict(run_query(connection, "SELECT object_id, ring_probability FROM galcat.galaxy").rows)  # type: ignore[arg-type]
