"""Rounds of an anomaly search that are made at once, overtaken, or broken off."""

import threading
from pathlib import Path

import numpy as np
import psycopg
import pytest

from catalog.database.connection import connect
from catalog.errors import TaskError
from catalog.tasks.anomaly_rounds import (
    AnomalyRound,
    NewAnomalyRound,
    Offer,
    TopList,
    find_last_round,
    read_top_list,
    write_round,
)
from galcat.workflows.tasks import anomaly_round
from galcat.workflows.tasks.anomaly_round import open_next_round
from tests.galcat.cli.command_line import Galcat
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.rated_galaxies import (
    ODD,
    everything,
    expected_batch,
    ids_of,
    rate,
    rate_round,
    rows,
)
from tests.waiting import LAST_LIMIT_S, wait_until_at_a_lock


def test_of_two_rounds_made_at_once_one_stays_and_the_other_is_one_line(
    database: str, galaxies: LabelledGalaxies
) -> None:
    ids = galaxies.object_ids.tolist()
    new = NewAnomalyRound(1, 7, 5, b"model")
    real = np.linspace(5, 4, 3, dtype=np.float32)
    refused: list[str] = []

    def second() -> None:
        with connect(database, autocommit=True) as connection:
            top = TopList(np.array(ids[50:53]), real, real)
            try:
                write_round(connection, ODD, new, [Offer(i) for i in ids[20:30]], top, 0)
            except TaskError as error:
                refused.append(str(error))

    waiting = threading.Thread(target=second)
    with connect(database, autocommit=True) as connection:
        with connection.transaction():
            top = TopList(np.array(ids[40:43]), real, real)
            assert write_round(connection, ODD, new, [Offer(i) for i in ids[:10]], top, 0) == 1
            waiting.start()
            wait_until_at_a_lock(database)
        waiting.join(LAST_LIMIT_S)
    assert refused == ["somebody else made round 1 of task odd meanwhile: ask again"]
    with connect(database, autocommit=True) as connection:
        made = find_last_round(connection, ODD)
        assert made is not None
        assert (made.round, ids_of(made), made.model) == (1, ids[:10], b"model")
        assert [one.object_id for one in read_top_list(connection, ODD, 9, unrated=False)] == ids[40:43]
    stored = everything(database)
    second()
    assert len(refused) == 2
    assert everything(database) == stored


def test_a_round_that_another_overtakes_leaves_the_other_whole(
    galcat: Galcat, database: str, galaxies: LabelledGalaxies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate_round(database, galaxies, open_next_round(database, "odd"))
    overtaking: list[AnomalyRound] = []

    def overtaken(url: str, name: str, **_: object) -> AnomalyRound:
        return open_next_round(
            url, name, progress=lambda _: overtaking.append(open_next_round(database, "odd"))
        )

    with monkeypatch.context() as patch:
        patch.setattr(anomaly_round, "open_next_round", overtaken)
        said = galcat("anomalies", "next", "odd", "--sheet", tmp_path / "next.png")
    assert (said.code, said.err.strip().splitlines()[-1:]) == (
        1,
        ["error: somebody else made round 2 of task odd meanwhile: ask again"],
    )
    assert open_next_round(database, "odd") == overtaking[0]
    assert rows(database, "SELECT count(*) FROM galcat.interest_offer") == [(20,)]


def test_a_round_that_breaks_off_leaves_nothing(database: str, galaxies: LabelledGalaxies) -> None:
    heard = rate_round(database, galaxies, first := open_next_round(database, "odd"))
    before = everything(database)

    def kill(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_next_round(database, "odd", progress=kill)
    assert everything(database) == before
    assert ids_of(open_next_round(database, "odd")) == expected_batch(galaxies, heard, set(ids_of(first)))[0]


def test_a_round_that_cannot_be_written_to_its_end_leaves_nothing(
    database: str, galaxies: LabelledGalaxies
) -> None:
    rate_round(database, galaxies, open_next_round(database, "odd"))
    open_next_round(database, "odd")
    before = everything(database)
    real = np.ones(2, np.float32)
    top = TopList(galaxies.object_ids[:2], real, real)
    offers = [Offer(int(galaxies.object_ids[0])), Offer(12345)]  # the second is no galaxy
    with connect(database, autocommit=True) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        write_round(connection, ODD, NewAnomalyRound(1, 10, 10, None), offers, top, 2)
    assert everything(database) == before


def test_ratings_that_come_while_a_round_is_made_are_for_the_next(
    database: str, galaxies: LabelledGalaxies
) -> None:
    heard = rate_round(database, galaxies, first := open_next_round(database, "odd"))
    offered = set(ids_of(first))
    batch, _ = expected_batch(galaxies, heard, offered)
    late = next(i for i in galaxies.object_ids.tolist() if i not in {*offered, *batch})

    def meanwhile(_: int) -> None:
        rate(database, {late: 5.0})

    second = open_next_round(database, "odd", progress=meanwhile)
    assert (second.ratings, second.labels_seen) == (10, 10)
    assert ids_of(second) == batch
    heard |= {late: 5.0} | rate_round(database, galaxies, second)
    third = open_next_round(database, "odd")
    assert (third.ratings, third.labels_seen) == (21, 21)
    assert ids_of(third) == expected_batch(galaxies, heard, offered | set(ids_of(second)))[0]
