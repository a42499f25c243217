"""Ten galaxies to rate, then ten better ones: resumable, never twice, for several people."""

import numpy as np
import pytest

from catalog.database.connection import connect
from catalog.tasks.anomaly_rounds import (
    AnomalyRound,
    Offer,
    read_top_list,
)
from catalog.tasks.labels import Label, write_labels
from encoder.anomalies.acquisition import BATCH
from galcat.errors import WorkflowError
from galcat.workflows.tasks import anomaly_round
from galcat.workflows.tasks.anomaly_round import open_next_round
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.rated_galaxies import (
    BLUE,
    ODD,
    Heard,
    N,
    everything,
    expected_batch,
    fill,
    fit_ratings,
    ids_of,
    predict_all,
    rate,
    rate_round,
    rows,
    taste,
)


def test_the_same_ten_are_offered_until_all_are_rated(database: str, galaxies: LabelledGalaxies) -> None:
    first = open_next_round(database, "odd")
    assert (first.round, len(first.offers), first.rated, first.model) == (1, BATCH, frozenset(), None)
    assert open_next_round(database, "odd", strangest_first=True) == first
    heard = taste(galaxies)
    for k, one in enumerate(ids_of(first), 1):
        rate(database, {one: heard[one]})
        again = open_next_round(database, "odd")
        assert again.round == (1 if k < BATCH else 2)
        if k < BATCH:
            assert (again.offers, again.rated) == (first.offers, frozenset(ids_of(first)[:k]))
    assert [row[0] for row in rows(database, "SELECT round FROM galcat.interest_round ORDER BY 1")] == [1, 2]


def test_every_galaxy_is_offered_once_and_those_that_were_rated_unasked_never(database: str) -> None:
    galaxies = fill(database, 47)
    first = open_next_round(database, "odd")
    unasked = [i for i in galaxies.object_ids.tolist() if i not in ids_of(first)][:4]
    rate(database, {i: taste(galaxies)[i] for i in unasked})
    rounds = [ids_of(first)]
    rate_round(database, galaxies, first)
    for _ in range(4):
        made = open_next_round(database, "odd")
        rounds.append(ids_of(made))
        rate_round(database, galaxies, made)
    assert [len(one) for one in rounds] == [10, 10, 10, 10, 3]
    assert sorted([i for one in rounds for i in one] + unasked) == sorted(galaxies.object_ids.tolist())
    before = everything(database)
    with pytest.raises(WorkflowError, match=r"^every galaxy has been offered to task odd: none is left$"):
        open_next_round(database, "odd")
    assert everything(database) == before


def test_a_galaxy_whose_rating_was_taken_back_is_not_offered_again(database: str) -> None:
    galaxies = fill(database, 22)

    def take_back(made: AnomalyRound) -> None:
        with connect(database, autocommit=True) as connection:
            write_labels(connection, ODD, [Label(ids_of(made)[0], None)], "ann", "test")

    rate_round(database, galaxies, first := open_next_round(database, "odd"))
    take_back(first)
    assert (open_next_round(database, "odd").round, len(first.offers)) == (1, BATCH)  # it waits again
    rate_round(database, galaxies, first)
    rate_round(database, galaxies, second := open_next_round(database, "odd"))
    take_back(first)
    third = open_next_round(database, "odd")
    assert third.ratings == 19
    assert sorted(ids_of(third)) == sorted(
        set(galaxies.object_ids.tolist()) - {*ids_of(first), *ids_of(second)}
    )


def test_the_first_round_is_random_and_its_own_for_every_task(
    database: str, galaxies: LabelledGalaxies
) -> None:
    rated = rate(database, {int(galaxies.object_ids[0]): 4.0})  # one rating is not enough to learn from
    for task in (ODD, BLUE):
        ((seed,),) = rows(database, "SELECT hashtextextended(%s, 0)", task.name)
        known = set(rated) if task == ODD else set()
        order = sorted(set(galaxies.object_ids.tolist()) - known, key=lambda i: i ^ int(str(seed)))
        made = open_next_round(database, task.name)
        assert made.offers == tuple(Offer(i) for i in order[:BATCH])
    assert set(ids_of(open_next_round(database, "odd"))) != set(ids_of(open_next_round(database, "blue")))


def test_strangest_first_is_the_head_of_the_whole_order(database: str, galaxies: LabelledGalaxies) -> None:
    whole = rows(database, "SELECT object_id, anomaly_score FROM galcat.galaxy")
    order = [row[0] for row in sorted(whole, key=lambda row: (-float(str(row[1])), row[0]))]
    assert len(order) == N
    skipped = rate(database, {int(str(order[2])): 0.0})
    first = open_next_round(database, "odd", strangest_first=True)
    assert ids_of(first) == [i for i in order if i not in skipped][:BATCH]
    heard = skipped | rate_round(database, galaxies, first)
    later = open_next_round(database, "odd", strangest_first=True)
    assert ids_of(later) == expected_batch(galaxies, heard, set(ids_of(first)))[0]


def test_later_rounds_have_the_highest_expected_improvement_of_all_stored_vectors(
    database: str, galaxies: LabelledGalaxies
) -> None:
    heard: Heard = rate(database, {int(i): taste(galaxies)[int(i)] for i in galaxies.object_ids[:3]})
    offered: set[int] = set()
    for number in (1, 2, 3):
        made = open_next_round(database, "odd")
        ids, batch = expected_batch(galaxies, heard, offered)
        assert (made.round, made.ratings, made.labels_seen) == (number, len(heard), len(heard))
        assert made.model == fit_ratings(galaxies, heard).to_bytes()
        assert ids_of(made) == ids
        found = [(one.expected_improvement, one.interest, one.uncertainty) for one in made.offers]
        columns = (batch.improvement, batch.mean, batch.deviation)
        assert np.array(found) == pytest.approx(np.stack(columns, axis=1), rel=1e-4)
        offered |= set(ids)
        heard |= rate_round(database, galaxies, made)


def test_an_improvement_too_small_for_single_precision_is_stored_as_zero(database: str) -> None:
    galaxies = fill(database, 30)
    rare, *common = galaxies.object_ids.tolist()
    rows(
        database,
        "UPDATE galcat.embedding SET search = (SELECT e.search FROM galcat.embedding AS e WHERE "
        "e.object_id = %s) WHERE object_id <> %s RETURNING 1",
        common[0],
        rare,
    )
    rate(database, {rare: 5.0} | dict.fromkeys(common[:4], 0.0))
    made = open_next_round(database, "odd")
    assert ids_of(made) == sorted(common[4:])[:BATCH]  # equals, in the order of their ids
    assert [one.expected_improvement for one in made.offers] == [0.0] * BATCH


def test_the_top_list_ranks_all_galaxies_by_predicted_mean(
    database: str, galaxies: LabelledGalaxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anomaly_round, "TOP", 50)
    first = open_next_round(database, "odd")
    with connect(database, autocommit=True) as connection:
        assert read_top_list(connection, ODD, 20, unrated=False) == []
    heard = rate_round(database, galaxies, first)
    for _ in range(2):  # an older list goes when a newer one comes
        made = open_next_round(database, "odd")
        mean, deviation = predict_all(galaxies, fit_ratings(galaxies, heard))
        ranking = sorted(mean, key=lambda i: (-mean[i], i))[:50]
        heard |= rate_round(database, galaxies, made)
        with connect(database, autocommit=True) as connection:
            top = read_top_list(connection, ODD, 1000, unrated=False)
            few = read_top_list(connection, ODD, 7, unrated=False)
            unrated = read_top_list(connection, ODD, 7, unrated=True)
        assert [one.object_id for one in top] == ranking
        assert [one.interest for one in top] == pytest.approx([mean[i] for i in ranking], abs=1e-5)
        assert [one.uncertainty for one in top] == pytest.approx([deviation[i] for i in ranking], abs=1e-5)
        assert few == top[:7]
        assert unrated == [one for one in top if one.object_id not in heard][:7]
        assert set(heard) & set(ranking)  # rated ones are ranked too


def test_two_searches_do_not_disturb_each_other(database: str, galaxies: LabelledGalaxies) -> None:
    wishes = taste(galaxies)
    heard: dict[str, Heard] = {"odd": {}, "blue": {}}
    offered: dict[str, set[int]] = {"odd": set(), "blue": set()}
    for number in (1, 2, 3):
        for task in (ODD, BLUE):
            made = open_next_round(database, task.name)
            if number > 1:
                assert ids_of(made) == expected_batch(galaxies, heard[task.name], offered[task.name])[0]
            offered[task.name] |= set(ids_of(made))
            said = {i: wishes[i] if task == ODD else 5 - wishes[i] for i in ids_of(made)}
            heard[task.name] |= rate(database, said, task)
    kept = rows(database, "SELECT DISTINCT task, round FROM galcat.interest_top ORDER BY 1")
    assert kept == [("blue", 3), ("odd", 3)]


def test_two_people_count_with_the_mean_of_their_last_words(
    database: str, galaxies: LabelledGalaxies
) -> None:
    a, b, c = galaxies.object_ids[:3].tolist()
    rate(database, {a: 5.0, b: 1.0, c: 0.5}, who="ann")
    rate(database, {a: 0.0, b: 4.0}, who="bob")
    rate(database, {a: 2.0}, who="bob")
    made = open_next_round(database, "odd")
    heard = {a: 3.5, b: 2.5, c: 0.5}
    assert made.model == fit_ratings(galaxies, heard).to_bytes()
    assert (made.ratings, made.labels_seen) == (3, 6)
    assert ids_of(made) == expected_batch(galaxies, heard, set())[0]


def test_what_was_offered_and_known_then_stays(database: str, galaxies: LabelledGalaxies) -> None:
    made = []
    for _ in range(3):
        made.append(open_next_round(database, "odd"))
        rate_round(database, galaxies, made[-1])
    kept = rows(
        database,
        "SELECT round, release_id, labels_seen, ratings, model, made_at "
        "FROM galcat.interest_round ORDER BY 1",
    )
    assert kept == [(o.round, o.release_id, o.labels_seen, o.ratings, o.model, o.made_at) for o in made]
    offers = rows(
        database,
        "SELECT round, place, object_id, expected_improvement, interest, uncertainty "
        "FROM galcat.interest_offer ORDER BY 1, 2",
    )
    assert offers == [
        (one.round, place, o.object_id, o.expected_improvement, o.interest, o.uncertainty)
        for one in made
        for place, o in enumerate(one.offers, 1)
    ]


def test_a_galaxy_that_is_retired_before_it_was_rated_is_not_waited_for(
    database: str, galaxies: LabelledGalaxies
) -> None:
    first = open_next_round(database, "odd")
    gone, *there = ids_of(first)
    heard = rate(database, {i: taste(galaxies)[i] for i in there})
    rows(database, "UPDATE galcat.source SET is_retired = true WHERE object_id = %s RETURNING 1", gone)
    made = open_next_round(database, "odd")
    assert made.round == 2
    assert ids_of(made) == expected_batch(galaxies, heard, {gone})[0]
    assert rows(database, "SELECT count(*) FROM galcat.interest_offer WHERE round = 1") == [(BATCH,)]
    best = int(str(rows(database, "SELECT object_id FROM galcat.interest_top WHERE place = 1")[0][0]))
    rows(database, "UPDATE galcat.source SET is_retired = true WHERE object_id = %s RETURNING 1", best)
    with connect(database, autocommit=True) as connection:
        top = [one.object_id for one in read_top_list(connection, ODD, N, unrated=False)]
    assert (len(top), gone in top, best in top) == (N - 2, False, False)
