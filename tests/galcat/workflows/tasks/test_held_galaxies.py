"""What is chosen by the galaxies in memory is what the database alone chooses, whatever has changed since."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from catalog.database.connection import connect
from catalog.ingestion.writer import write_tile
from catalog.releases.vectors import current_projected_release
from catalog.search.memory import galaxy_memory
from catalog.search.memory.galaxy_memory import GalaxyMemory
from catalog.tasks.held_galaxies import find_held_galaxies
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.ranking import draw_unlabelled, top_by_linear_head
from catalog.tasks.tasks import Task, add_task
from galcat.workflows.tasks import anomaly_round
from galcat.workflows.tasks.anomaly_round import open_next_round
from galcat.workflows.tasks.next_labels import choose_next_labels
from tests.catalog.galaxies import galaxy_rows, tile_record
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.rated_galaxies import fill, rate, rows, taste

N = 400
RING = Task("ring", "Has it a ring?", "binary", ("no", "yes"))
Change = Callable[[str], None]


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    """N galaxies, of which people are asked whether they have rings, and how odd they are."""
    there = fill(database, N)
    with connect(database, autocommit=True) as connection:
        add_task(connection, RING)
    return there


@pytest.fixture
def memory(
    database: str, galaxies: LabelledGalaxies, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GalaxyMemory]:
    """The galaxies in memory."""
    assert len(galaxies.object_ids) == N
    monkeypatch.setattr(galaxy_memory, "MIN_GALAXIES", 1)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(galaxy_memory, "_PATIENCE", 0.0)
    made = GalaxyMemory(database, 10**9)
    made.start()
    assert made.wait().phase == "held"
    yield made
    made.close()


def leave(_database: str) -> None:
    """Change nothing."""


def retire(database: str) -> None:
    rows(database, "UPDATE galcat.source SET is_retired = true WHERE mod(object_id, 3) = 0 RETURNING 1")


def delete(database: str) -> None:
    """As a tile that is forgotten; nothing tells memory of it."""
    for table in ("embedding", "embedding_full", "morphology", "thumbnail", "source"):
        rows(
            database,
            f"DELETE FROM galcat.{table} WHERE mod(object_id, 3) = 0 "
            "AND object_id NOT IN (SELECT l.object_id FROM galcat.label AS l) RETURNING 1",
        )


def ingest(database: str) -> None:
    with connect(database, autocommit=True) as connection:
        release = current_projected_release(connection)
        ((survey,),) = rows(database, "SELECT survey_id FROM galcat.survey")
        more = galaxy_rows(60, 5, prefix="more")
        write_tile(connection, int(str(survey)), release.release_id, tile_record("more", "more"), more, [])


CHANGES = (leave, retire, delete, ingest)


def say(database: str, galaxies: LabelledGalaxies, n: int) -> None:
    answers = {
        int(one): "yes" if is_ring else "no"
        for one, is_ring in zip(galaxies.object_ids[:n], galaxies.answer[:n], strict=True)
    }
    with connect(database, autocommit=True) as connection:
        write_labels(connection, RING, [Label(*one) for one in answers.items()], "ana", "test")


@pytest.mark.parametrize("change", CHANGES)
def test_random_galaxies_and_those_on_top_of_a_head_are_the_databases(
    change: Change, database: str, memory: GalaxyMemory, galaxies: LabelledGalaxies
) -> None:
    say(database, galaxies, 50)
    change(database)
    rng = np.random.default_rng(3)
    with connect(database, autocommit=True) as connection:
        release = current_projected_release(connection)
        held = find_held_galaxies(connection, release, memory)
        assert held is not None
        for n in (1, 7, 100, 1_000):
            drawn = draw_unlabelled(connection, RING, release.release_id, n)
            assert draw_unlabelled(connection, RING, release.release_id, n, held) == drawn
            for without in (galaxies.object_ids[:0], galaxies.object_ids[:90]):
                weight = rng.normal(size=40).astype(np.float32)
                top = top_by_linear_head(connection, release, weight, n, without)
                assert top_by_linear_head(connection, release, weight, n, without, held) == top
                shown = rows(database, "SELECT object_id, search::real[] FROM galcat.galaxy")
                half = (weight / np.abs(weight).max()).astype(np.float16).astype(np.float64)
                value = {one: float(np.array(search) @ half) for one, search in shown}
                best = sorted(set(value) - set(without.tolist()), key=lambda one: -value[one])[:n]
                assert sorted(value[one] for one in top) == pytest.approx(sorted(value[one] for one in best))


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_galaxies_of_a_question_are_those_without_memory(
    change: Change, database: str, memory: GalaxyMemory, galaxies: LabelledGalaxies
) -> None:
    first = choose_next_labels(database, "ring", 10)
    assert choose_next_labels(database, "ring", 10, memory) == first
    say(database, galaxies, 40)
    change(database)
    chosen, beliefs, why = choose_next_labels(database, "ring", 10)
    assert choose_next_labels(database, "ring", 10, memory) == (chosen, beliefs, why)
    assert len(chosen) == 10
    assert why.startswith("the most probable of")


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_round_of_a_search_is_that_without_memory(
    change: Change,
    database: str,
    memory: GalaxyMemory,
    galaxies: LabelledGalaxies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anomaly_round, "TOP", 50)
    streamed: list[bool] = []
    stream = anomaly_round.stream_vectors

    def counted(*arguments: object) -> object:
        streamed.append(True)
        return stream(*arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(anomaly_round, "stream_vectors", counted)
    wishes = taste(galaxies)
    rate(database, {one: wishes[one] for one in galaxies.object_ids[:30].tolist() if one % 3})
    change(database)
    by_memory = _round(database, memory)
    assert streamed == [True] * (change is delete)  # else nothing but memory was asked
    assert by_memory == _round(database, None)
    assert len(by_memory[0]) == 10
    assert len(by_memory[1]) == 50


def _round(database: str, memory: GalaxyMemory | None) -> tuple[list[object], list[object]]:
    """Offers and top list of the next round, which is taken back."""
    made = open_next_round(database, "odd", memory=memory)
    top = rows(
        database, "SELECT place, object_id, interest, uncertainty FROM galcat.interest_top ORDER BY place"
    )
    rows(database, "DELETE FROM galcat.interest_top RETURNING 1")
    rows(database, "DELETE FROM galcat.interest_offer RETURNING 1")
    rows(database, "DELETE FROM galcat.interest_round RETURNING 1")
    return list(made.offers), list(top)
