"""Labels in, a column out: learnt once, shown whole, never half, never worse unasked."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from catalog.database.connection import connect
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.model_versions import Version
from catalog.tasks.stale import stale_tasks
from catalog.tasks.tasks import hide_task, list_tasks
from encoder.errors import LearningError
from encoder.heads.fit import fit_head
from galcat.workflows.tasks import learn as learning
from galcat.workflows.tasks.learn import learn
from galcat.workflows.tasks.suggest import find_most_likely, suggest_labels
from tests.galcat.cli.labelled_galaxies import LabelledGalaxies, fill_labelled
from tests.galcat.workflows.tasks.ring_labels import RING, N, column, fill_ring_task, say


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    return fill_ring_task(database)


def test_every_galaxy_gets_what_the_head_says_of_its_stored_vector(
    database: str, galaxies: LabelledGalaxies
) -> None:
    say(database, galaxies, range(60))
    done = learn(database, "ring")
    assert (done.is_new, done.galaxies, done.version.version, done.version.refused) == (True, N, 1, None)
    order = np.argsort(galaxies.object_ids[:60])
    votes = np.stack([~galaxies.answer[:60], galaxies.answer[:60]], axis=1)[order].astype(np.float64)
    head = fit_head(galaxies.full[:60][order], votes, RING.classes)
    expected = dict(
        zip(galaxies.object_ids.tolist(), head.score(galaxies.full).probability[:, 1].tolist(), strict=True)
    )
    assert column(database) == pytest.approx(expected, abs=1e-6)
    truth = dict(zip(galaxies.object_ids.tolist(), galaxies.answer.tolist(), strict=True))
    right = np.mean([(p > 0.5) == truth[i] for i, p in expected.items()])
    assert right > 0.8


def test_without_a_new_label_nothing_is_learnt_and_later_galaxies_get_their_score(
    database: str, galaxies: LabelledGalaxies
) -> None:
    say(database, galaxies, range(40))
    learn(database, "ring")
    before = column(database)
    with connect(database, autocommit=True) as connection:
        later = fill_labelled(connection, 30, seed=5, tile="later")
    assert [column(database)[i] for i in later.object_ids.tolist()] == [None] * 30
    done = learn(database, "ring")
    assert (done.is_new, done.galaxies, done.version.version) == (False, 30, 1)
    after = column(database)
    assert {i: after[i] for i in before} == before
    assert None not in after.values()
    assert learn(database, "ring").galaxies == 0


def test_dropped_columns_come_back_with_the_same_scores(database: str, galaxies: LabelledGalaxies) -> None:
    say(database, galaxies, range(40))
    learn(database, "ring")
    before = column(database)
    with connect(database, autocommit=True) as connection:
        assert hide_task(connection, "ring")
    assert learn(database, "ring").is_new
    assert column(database) == before


def test_labels_that_come_while_it_learns_are_for_the_next_time(
    database: str, galaxies: LabelledGalaxies
) -> None:
    say(database, galaxies, range(40))
    done = learn(database, "ring", progress=lambda _: say(database, galaxies, range(40, 50)))
    assert (done.version.labels_seen, done.version.report["galaxies"]) == (40, 40)
    with connect(database, autocommit=True) as connection:
        assert [(state.labels, state.labels_seen) for state in list_tasks(connection)] == [(50, 40)]
    again = learn(database, "ring")
    assert (again.version.version, again.version.labels_seen) == (2, 50)


def test_killed_in_the_middle_the_former_column_stays(database: str, galaxies: LabelledGalaxies) -> None:
    say(database, galaxies, range(40))
    learn(database, "ring")
    before = column(database)
    say(database, galaxies, range(40, 80))

    def kill(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(database, "ring", progress=kill)
    assert column(database) == before
    assert learn(database, "ring").version.version == 2
    assert column(database) != before


def test_a_worse_model_does_not_replace_a_better_one_unasked(
    database: str, galaxies: LabelledGalaxies
) -> None:
    say(database, galaxies, range(80))
    learn(database, "ring")
    before = column(database)
    say(database, galaxies, range(80, 150), wrong=True)
    done = learn(database, "ring")
    assert re.fullmatch(
        r"on labels held out its area under the ROC curve is 0\.\d{3}, that of the one shown 0\.9\d\d",
        str(done.version.refused),
    )
    assert column(database) == before
    assert not learn(database, "ring").is_new  # it is not tried again before somebody labels
    forced = learn(database, "ring", even_if_worse=True)
    assert (forced.version.version, forced.version.refused) == (3, None)
    assert column(database) != before


@pytest.mark.parametrize("rows", [[], [0], [0, 1]], ids=["none", "one", "one class"])
def test_too_few_labels_are_one_line_and_no_column(
    database: str, galaxies: LabelledGalaxies, rows: list[int]
) -> None:
    yes = np.flatnonzero(galaxies.answer)[rows].tolist()
    with connect(database, autocommit=True) as connection:
        write_labels(
            connection, RING, [Label(int(galaxies.object_ids[i]), "yes") for i in yes], "ann", "test"
        )
    with pytest.raises(LearningError) as error:
        learn(database, "ring")
    assert "\n" not in str(error.value)
    with connect(database, autocommit=True) as connection:
        assert [state.has_column for state in list_tasks(connection)] == [False]


def test_people_who_disagree_are_reported(database: str, galaxies: LabelledGalaxies) -> None:
    say(database, galaxies, range(40))
    say(database, galaxies, range(3), wrong=True, who="bob")
    assert learn(database, "ring").version.report["contradictory"] == 3


def test_the_most_likely_as_of_now_are_those_of_all_by_their_full_vectors(
    database: str, galaxies: LabelledGalaxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galcat.workflows.tasks.suggest._MIN_REFINED", 30)
    say(database, galaxies, range(60))
    with connect(database, autocommit=True) as connection:
        found = find_most_likely(connection, "ring", 15)
        unlabelled = find_most_likely(connection, "ring", 15, unlabelled=True)
    learn(database, "ring")
    probability = column(database)
    by_column = sorted(probability, key=lambda i: -float(probability[i] or 0))[:15]
    assert found.object_ids.tolist() == by_column
    labelled = set(galaxies.object_ids[:60].tolist())
    assert not labelled & set(unlabelled.object_ids.tolist())
    assert len(unlabelled.object_ids) == 15


def test_suggestions_are_unlabelled_and_where_the_model_is_unsure(
    database: str, galaxies: LabelledGalaxies
) -> None:
    with connect(database, autocommit=True) as connection:
        first = suggest_labels(connection, "ring", 20)
        assert first.probability is None
        assert suggest_labels(connection, "ring", 20).object_ids.tolist() == first.object_ids.tolist()
    say(database, galaxies, range(60))
    learn(database, "ring")
    with connect(database, autocommit=True) as connection:
        found = suggest_labels(connection, "ring", 20)
    assert not set(galaxies.object_ids[:60].tolist()) & set(found.object_ids.tolist())
    assert found.probability is not None
    everybody = np.abs(np.array(list(column(database).values()), dtype=float) - 0.5).mean()
    assert np.abs(found.probability[:, 1] - 0.5).mean() < everybody / 3


def test_a_task_is_due_when_labels_came_and_it_was_quiet(database: str, galaxies: LabelledGalaxies) -> None:
    with connect(database, autocommit=True) as connection:
        assert stale_tasks(connection, quiet_s=0) == []
        say(database, galaxies, range(40))
        assert stale_tasks(connection) == []  # somebody may still be labelling
        assert stale_tasks(connection, max_wait_s=0) != []  # but not for ever
        (due,) = stale_tasks(connection, quiet_s=0)
        assert due.name == "ring"
        learn(database, "ring")
        assert stale_tasks(connection, quiet_s=0) == []
        fill_labelled(connection, 30, seed=5, tile="later")
        (again,) = stale_tasks(connection, quiet_s=0)
        assert again.state != due.state
        learn(database, "ring")


@pytest.mark.parametrize(
    ("method", "report", "shown_method", "shown_report", "reason"),
    [
        ("head", {"auc": 0.80}, "head", {"auc": 0.82}, None),
        ("head", {"auc": 0.78}, "head", {"auc": 0.82}, "area under the ROC curve is 0.780, .* 0.820"),
        ("head", {"auc": None, "accuracy": None}, "head", {"auc": None, "accuracy": None}, None),
        ("head", {"auc": None, "accuracy": None}, "head", {"auc": 0.9, "accuracy": 0.8}, "there are too few"),
        ("deep", {"accuracy": 0.7}, "head", {"auc": 0.9, "accuracy": 0.8}, "balanced accuracy is 0.700"),
        ("deep", {"accuracy": 0.8}, "head", {"auc": 0.9, "accuracy": 0.8}, None),
        ("head", {"auc": 0.99}, "deep", {"accuracy": 0.6}, "a tuned network is shown"),
    ],
)
def test_a_step_back_is_told_and_why(
    method: str,
    report: dict[str, object],
    shown_method: str,
    shown_report: dict[str, object],
    reason: str | None,
) -> None:
    shown = Version(1, 1, shown_method, 9, b"", shown_report, None, datetime.now(UTC))
    said = learning.regression_reason(method, report, shown)
    assert said is None if reason is None else re.search(reason, said or "")
