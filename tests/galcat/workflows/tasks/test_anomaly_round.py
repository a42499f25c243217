"""Ten galaxies to rate, then ten better ones: resumable, never twice, several people at once."""

import csv
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
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.tasks import add_task, make_task
from encoder.anomalies.acquisition import BATCH
from galcat.errors import WorkflowError
from galcat.workflows.tasks import anomaly_round
from galcat.workflows.tasks.anomaly_round import open_next_round
from tests.galcat.cli.asked_galaxies import Asked
from tests.galcat.cli.command_line import Galcat
from tests.galcat.workflows.tasks.rated_galaxies import (
    BLUE,
    ODD,
    Heard,
    N,
    everything,
    expected_batch,
    fill,
    fitted,
    ids_of,
    predicted,
    rate,
    rate_round,
    rows,
    shown,
    standard,
    taste,
)
from tests.waiting import LAST_LIMIT_S, wait_until_at_a_lock


@pytest.fixture
def asked(database: str) -> Asked:
    return fill(database, N)


def test_the_command_line_from_a_search_to_a_column(
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path
) -> None:
    sheet, table = tmp_path / "next.png", tmp_path / "best.csv"
    assert "search strange is there now" in galcat("anomalies", "new", "strange").err
    assert "search strange was there already" in galcat("anomalies", "new", "strange").err
    wishes = taste(asked)
    heard: Heard = {}
    for number in (1, 2, 3):
        said = galcat("anomalies", "next", "strange", "--sheet", sheet)
        assert said.code == 0
        assert f"round {number}, after {len(heard)} ratings: 10 galaxies to rate" in said.err
        assert sheet.read_bytes().startswith(b"\x89PNG")
        sheet.unlink()
        listed = [int(line.split()[0]) for line in said.out.splitlines()[1:11]]
        words = [f"{i}={wishes[i]}" for i in listed]
        assert f"6 of round {number} wait" in galcat("anomalies", "rate", "strange", *words[:4]).err
        assert "(6 rows)" in galcat("anomalies", "next", "strange", "--sheet", sheet).out
        last = galcat("anomalies", "rate", "strange", *words[4:])
        assert (last.code, "galcat anomalies next strange has new ones" in last.err) == (0, True)
        heard |= {i: wishes[i] for i in listed}
    counts = galcat("anomalies").out.splitlines()
    assert [line.split()[-3:] for line in counts if line.startswith("strange")] == [["3", "30", "0"]]

    assert galcat("anomalies", "best", "strange", "-n", "7", "--sheet", sheet, "-o", table).code == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    with table.open() as file:
        best = [int(row["object_id"]) for row in csv.DictReader(file)]
    before = {i: score for i, score in heard.items() if i not in listed}
    expected = np.argsort(-fitted(asked, before).mean(standard(asked)), kind="stable")[:7]
    assert best == asked.object_ids[expected].tolist()
    assert galcat("anomalies", "score", "strange", *best[:2]).out.count("\n") == 4
    assert "version 1: 200 galaxies scored" in galcat("anomalies", "column", "strange").err
    mean, _ = predicted(asked, fitted(asked, heard))
    assert shown(database, "strange_interest") == pytest.approx(mean, abs=1e-5)
    assert "version 1: 0 galaxies scored" in galcat("anomalies", "column", "strange").err


def test_the_same_ten_are_offered_until_all_are_rated(database: str, asked: Asked) -> None:
    first = open_next_round(database, "odd")
    assert (first.round, len(first.offers), first.rated, first.model) == (1, BATCH, frozenset(), None)
    assert open_next_round(database, "odd", strangest_first=True) == first
    heard = taste(asked)
    for k, one in enumerate(ids_of(first), 1):
        rate(database, {one: heard[one]})
        again = open_next_round(database, "odd")
        assert again.round == (1 if k < BATCH else 2)
        if k < BATCH:
            assert (again.offers, again.rated) == (first.offers, frozenset(ids_of(first)[:k]))
    assert [row[0] for row in rows(database, "SELECT round FROM galcat.interest_round ORDER BY 1")] == [1, 2]


def test_every_galaxy_is_offered_once_and_those_that_were_rated_unasked_never(database: str) -> None:
    asked = fill(database, 47)
    first = open_next_round(database, "odd")
    unasked = [i for i in asked.object_ids.tolist() if i not in ids_of(first)][:4]
    rate(database, {i: taste(asked)[i] for i in unasked})
    rounds = [ids_of(first)]
    rate_round(database, asked, first)
    for _ in range(4):
        made = open_next_round(database, "odd")
        rounds.append(ids_of(made))
        rate_round(database, asked, made)
    assert [len(one) for one in rounds] == [10, 10, 10, 10, 3]
    assert sorted([i for one in rounds for i in one] + unasked) == sorted(asked.object_ids.tolist())
    before = everything(database)
    with pytest.raises(WorkflowError, match=r"^every galaxy has been offered to task odd: none is left$"):
        open_next_round(database, "odd")
    assert everything(database) == before


def test_a_galaxy_whose_rating_was_taken_back_is_not_offered_again(database: str) -> None:
    asked = fill(database, 22)

    def take_back(made: AnomalyRound) -> None:
        with connect(database, autocommit=True) as connection:
            write_labels(connection, ODD, [Label(ids_of(made)[0], None)], "ann", "test")

    rate_round(database, asked, first := open_next_round(database, "odd"))
    take_back(first)
    assert (open_next_round(database, "odd").round, len(first.offers)) == (1, BATCH)  # it waits again
    rate_round(database, asked, first)
    rate_round(database, asked, second := open_next_round(database, "odd"))
    take_back(first)
    third = open_next_round(database, "odd")
    assert third.ratings == 19
    assert sorted(ids_of(third)) == sorted(set(asked.object_ids.tolist()) - {*ids_of(first), *ids_of(second)})


def test_the_first_round_is_random_and_its_own_for_every_task(database: str, asked: Asked) -> None:
    rated = rate(database, {int(asked.object_ids[0]): 4.0})  # one rating is not enough to learn from
    for task in (ODD, BLUE):
        ((seed,),) = rows(database, "SELECT hashtextextended(%s, 0)", task.name)
        known = set(rated) if task == ODD else set()
        order = sorted(set(asked.object_ids.tolist()) - known, key=lambda i: i ^ int(str(seed)))
        made = open_next_round(database, task.name)
        assert made.offers == tuple(Offer(i) for i in order[:BATCH])
    assert set(ids_of(open_next_round(database, "odd"))) != set(ids_of(open_next_round(database, "blue")))


def test_strangest_first_is_the_head_of_the_whole_order(database: str, asked: Asked) -> None:
    whole = rows(database, "SELECT object_id, anomaly_score FROM galcat.galaxy")
    order = [row[0] for row in sorted(whole, key=lambda row: (-float(str(row[1])), row[0]))]
    assert len(order) == N
    skipped = rate(database, {int(str(order[2])): 0.0})
    first = open_next_round(database, "odd", strangest_first=True)
    assert ids_of(first) == [i for i in order if i not in skipped][:BATCH]
    heard = skipped | rate_round(database, asked, first)
    later = open_next_round(database, "odd", strangest_first=True)
    assert ids_of(later) == expected_batch(asked, heard, set(ids_of(first)))[0]


@pytest.mark.usefixtures("asked")
def test_a_release_without_anomaly_score_says_so(galcat: Galcat, database: str, tmp_path: Path) -> None:
    rows(database, "UPDATE galcat.morphology SET anomaly_score = NULL RETURNING 1")
    said = galcat("anomalies", "next", "odd", "--strangest", "--sheet", tmp_path / "next.png")
    assert (said.code, said.err.strip().splitlines()) == (
        1,
        ["error: release first has no anomaly_score: begin with random galaxies"],
    )
    assert everything(database) == [[], [], []]


def test_later_rounds_have_the_highest_expected_improvement_of_all_stored_vectors(
    database: str, asked: Asked
) -> None:
    heard: Heard = rate(database, {int(i): taste(asked)[int(i)] for i in asked.object_ids[:3]})
    offered: set[int] = set()
    for number in (1, 2, 3):
        made = open_next_round(database, "odd")
        ids, batch = expected_batch(asked, heard, offered)
        assert (made.round, made.ratings, made.labels_seen) == (number, len(heard), len(heard))
        assert made.model == fitted(asked, heard).to_bytes()
        assert ids_of(made) == ids
        found = [(one.expected_improvement, one.interest, one.uncertainty) for one in made.offers]
        columns = (batch.improvement, batch.mean, batch.deviation)
        assert np.array(found) == pytest.approx(np.stack(columns, axis=1), rel=1e-4)
        offered |= set(ids)
        heard |= rate_round(database, asked, made)


def test_an_improvement_too_small_for_single_precision_is_stored_as_zero(database: str) -> None:
    asked = fill(database, 30)
    rare, *common = asked.object_ids.tolist()
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
    database: str, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anomaly_round, "TOP", 50)
    first = open_next_round(database, "odd")
    with connect(database, autocommit=True) as connection:
        assert read_top_list(connection, ODD, 20, unrated=False) == []
    heard = rate_round(database, asked, first)
    for _ in range(2):  # an older list goes when a newer one comes
        made = open_next_round(database, "odd")
        mean, deviation = predicted(asked, fitted(asked, heard))
        ranking = sorted(mean, key=lambda i: (-mean[i], i))[:50]
        heard |= rate_round(database, asked, made)
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


def test_two_searches_do_not_disturb_each_other(database: str, asked: Asked) -> None:
    wishes = taste(asked)
    heard: dict[str, Heard] = {"odd": {}, "blue": {}}
    offered: dict[str, set[int]] = {"odd": set(), "blue": set()}
    for number in (1, 2, 3):
        for task in (ODD, BLUE):
            made = open_next_round(database, task.name)
            if number > 1:
                assert ids_of(made) == expected_batch(asked, heard[task.name], offered[task.name])[0]
            offered[task.name] |= set(ids_of(made))
            said = {i: wishes[i] if task == ODD else 5 - wishes[i] for i in ids_of(made)}
            heard[task.name] |= rate(database, said, task)
    kept = rows(database, "SELECT DISTINCT task, round FROM galcat.interest_top ORDER BY 1")
    assert kept == [("blue", 3), ("odd", 3)]


def test_two_people_count_with_the_mean_of_their_last_words(database: str, asked: Asked) -> None:
    a, b, c = asked.object_ids[:3].tolist()
    rate(database, {a: 5.0, b: 1.0, c: 0.5}, who="ann")
    rate(database, {a: 0.0, b: 4.0}, who="bob")
    rate(database, {a: 2.0}, who="bob")
    made = open_next_round(database, "odd")
    heard = {a: 3.5, b: 2.5, c: 0.5}
    assert made.model == fitted(asked, heard).to_bytes()
    assert (made.ratings, made.labels_seen) == (3, 6)
    assert ids_of(made) == expected_batch(asked, heard, set())[0]


def test_of_two_rounds_made_at_once_one_stays_and_the_other_is_one_line(database: str, asked: Asked) -> None:
    ids = asked.object_ids.tolist()
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
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate_round(database, asked, open_next_round(database, "odd"))
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


def test_a_round_that_breaks_off_leaves_nothing(database: str, asked: Asked) -> None:
    heard = rate_round(database, asked, first := open_next_round(database, "odd"))
    before = everything(database)

    def kill(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_next_round(database, "odd", progress=kill)
    assert everything(database) == before
    assert ids_of(open_next_round(database, "odd")) == expected_batch(asked, heard, set(ids_of(first)))[0]


def test_a_round_that_cannot_be_written_to_its_end_leaves_nothing(database: str, asked: Asked) -> None:
    rate_round(database, asked, open_next_round(database, "odd"))
    open_next_round(database, "odd")
    before = everything(database)
    real = np.ones(2, np.float32)
    top = TopList(asked.object_ids[:2], real, real)
    offers = [Offer(int(asked.object_ids[0])), Offer(12345)]  # the second is no galaxy
    with connect(database, autocommit=True) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        write_round(connection, ODD, NewAnomalyRound(1, 10, 10, None), offers, top, 2)
    assert everything(database) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rate", "odd", "ID=5.1"], "5.1 is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=-0.5"], "-0.5 is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=nan"], "nan is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=inf"], "inf is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID=great"], "'great' is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "ID="], "'' is no rating from 0 to 5"),
        (["rate", "odd", "GOOD", "five"], "'five' is not ID=SCORE"),
        (["rate", "odd", "GOOD", "x12=3"], "'x12=3' is not ID=SCORE"),
        (["rate", "odd", "GOOD", "123=3"], "no galaxy has object_id 123"),
        (["rate", "odd", "GOOD", f"{10**30}=3"], "error: "),
        (["rate", "old", "GOOD"], "no task is called 'old'; there are: odd, blue, ring"),
        (["rate", "ring", "ID=3"], "task ring has the classes no, yes: see galcat tasks"),
        (["next", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["best", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["score", "ring", "ID"], "task ring has the classes no, yes: see galcat tasks"),
        (["column", "ring"], "task ring has the classes no, yes: see galcat tasks"),
        (["next", "old"], "no task is called 'old'; there are: odd, blue, ring"),
        (["column", "old"], "no task is called 'old'; there are: odd, blue, ring"),
        (["best", "odd"], "search odd has no list yet"),
        (["score", "odd", "ID"], "an interest cannot be learnt from fewer than 2 ratings, and there are 0"),
        (["column", "odd"], "an interest cannot be learnt from fewer than 2 ratings, and there are 0"),
        (["new", "Odd!"], "task 'Odd!' is no name for a column"),
        (["new", "odd", "--question", "Else?"], "there is another task odd: 'How odd is it?', a rating"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_stored(
    galcat: Galcat, database: str, words: list[str], message: str
) -> None:
    asked = fill(database, 5)
    with connect(database, autocommit=True) as connection:
        add_task(connection, make_task("ring", "Has it a ring?", ()))
    good, other = asked.object_ids[:2].tolist()
    said = galcat("anomalies", *(w.replace("GOOD", f"{good}=3").replace("ID", str(other)) for w in words))
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert everything(database) == [[], [], []]
    assert rows(database, "SELECT count(*) FROM galcat.label") == [(0,)]
    assert rows(database, "SELECT count(*) FROM galcat.task WHERE has_column") == [(0,)]


def test_scores_of_named_galaxies_are_by_all_ratings_so_far(
    galcat: Galcat, database: str, asked: Asked
) -> None:
    heard = rate(database, {int(i): taste(asked)[int(i)] for i in asked.object_ids[:12]})
    wanted = sorted(asked.object_ids[10:14].tolist())
    mean, deviation = predicted(asked, fitted(asked, heard))
    with connect(database, autocommit=True) as connection:
        session = anomaly_round.read_session(connection, "odd")
        found = anomaly_round.predict_ratings(session, session.fit_interest(), connection, wanted)
    assert [(one.object_id, one.expected_improvement) for one in found] == [(i, None) for i in wanted]
    assert [one.interest for one in found] == pytest.approx([mean[i] for i in wanted], abs=1e-5)
    assert [one.uncertainty for one in found] == pytest.approx([deviation[i] for i in wanted], abs=1e-5)
    listed = [int(x.split()[0]) for x in galcat("anomalies", "score", "odd", *wanted).out.splitlines()[1:5]]
    assert listed == wanted
    said = galcat("anomalies", "score", "odd", wanted[0], 77)
    assert (said.code, said.err.strip()) == (1, "error: no galaxy has object_id 77")


def test_what_was_offered_and_known_then_stays(database: str, asked: Asked) -> None:
    made = []
    for _ in range(3):
        made.append(open_next_round(database, "odd"))
        rate_round(database, asked, made[-1])
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


def test_ratings_that_come_while_a_round_is_made_are_for_the_next(database: str, asked: Asked) -> None:
    heard = rate_round(database, asked, first := open_next_round(database, "odd"))
    offered = set(ids_of(first))
    batch, _ = expected_batch(asked, heard, offered)
    late = next(i for i in asked.object_ids.tolist() if i not in {*offered, *batch})

    def meanwhile(_: int) -> None:
        rate(database, {late: 5.0})

    second = open_next_round(database, "odd", progress=meanwhile)
    assert (second.ratings, second.labels_seen) == (10, 10)
    assert ids_of(second) == batch
    heard |= {late: 5.0} | rate_round(database, asked, second)
    third = open_next_round(database, "odd")
    assert (third.ratings, third.labels_seen) == (21, 21)
    assert ids_of(third) == expected_batch(asked, heard, offered | set(ids_of(second)))[0]


def test_a_galaxy_that_is_retired_before_it_was_rated_is_not_waited_for(database: str, asked: Asked) -> None:
    first = open_next_round(database, "odd")
    gone, *there = ids_of(first)
    heard = rate(database, {i: taste(asked)[i] for i in there})
    rows(database, "UPDATE galcat.source SET is_retired = true WHERE object_id = %s RETURNING 1", gone)
    made = open_next_round(database, "odd")
    assert made.round == 2
    assert ids_of(made) == expected_batch(asked, heard, {gone})[0]
    assert rows(database, "SELECT count(*) FROM galcat.interest_offer WHERE round = 1") == [(BATCH,)]
    best = int(str(rows(database, "SELECT object_id FROM galcat.interest_top WHERE place = 1")[0][0]))
    rows(database, "UPDATE galcat.source SET is_retired = true WHERE object_id = %s RETURNING 1", best)
    with connect(database, autocommit=True) as connection:
        top = [one.object_id for one in read_top_list(connection, ODD, N, unrated=False)]
    assert (len(top), gone in top, best in top) == (N - 2, False, False)
