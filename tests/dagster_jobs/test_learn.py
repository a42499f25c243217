"""Labels in, a column out: learnt once, shown whole, never half, never worse unasked."""

import re
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from catalog.database.connection import connect
from catalog.database.read_only import run_query
from catalog.tasks.labels import Label, write_labels
from catalog.tasks.model_versions import Version
from catalog.tasks.stale import stale_tasks
from catalog.tasks.tasks import add_task, hide_task, list_tasks, make_task
from dagster_jobs.defs.resources import DatabaseResource
from dagster_jobs.defs.sensors import new_labels
from dagster_jobs.defs.tasks import task_column
from encoder.errors import LearningError
from encoder.heads.fit import fit_head
from galcat.workflows.tasks import learn as learning
from galcat.workflows.tasks.learn import learn
from galcat.workflows.tasks.suggest import find_most_likely, suggest_labels
from tests.galcat.cli.asked_galaxies import Asked, fill_asked
from tests.galcat.cli.command_line import Galcat

RING = make_task("ring", "Has it a ring?", ())
N = 400


@pytest.fixture
def asked(database: str) -> Asked:
    with connect(database, autocommit=True) as connection:
        there = fill_asked(connection, N)
        add_task(connection, RING)
    return there


def say(database: str, asked: Asked, rows: range, *, wrong: bool = False, who: str = "ann") -> None:
    said = [
        Label(int(asked.object_ids[i]), "yes" if bool(asked.answer[i]) is not wrong else "no") for i in rows
    ]
    with connect(database, autocommit=True) as connection:
        write_labels(connection, RING, said, who, "test")


def column(database: str) -> dict[int, float | None]:
    with connect(database, autocommit=True) as connection:
        return dict(run_query(connection, "SELECT object_id, ring_probability FROM galcat.galaxy").rows)  # type: ignore[arg-type]


def test_every_galaxy_gets_what_the_head_says_of_its_stored_vector(database: str, asked: Asked) -> None:
    say(database, asked, range(60))
    done = learn(database, "ring")
    assert (done.is_new, done.galaxies, done.version.version, done.version.refused) == (True, N, 1, None)
    order = np.argsort(asked.object_ids[:60])
    votes = np.stack([~asked.answer[:60], asked.answer[:60]], axis=1)[order].astype(np.float64)
    head = fit_head(asked.full[:60][order], votes, RING.classes)
    expected = dict(
        zip(asked.object_ids.tolist(), head.score(asked.full).probability[:, 1].tolist(), strict=True)
    )
    assert column(database) == pytest.approx(expected, abs=1e-6)
    truth = dict(zip(asked.object_ids.tolist(), asked.answer.tolist(), strict=True))
    right = np.mean([(p > 0.5) == truth[i] for i, p in expected.items()])
    assert right > 0.8


def test_without_a_new_label_nothing_is_learnt_and_later_galaxies_get_their_score(
    database: str, asked: Asked
) -> None:
    say(database, asked, range(40))
    learn(database, "ring")
    before = column(database)
    with connect(database, autocommit=True) as connection:
        later = fill_asked(connection, 30, seed=5, tile="later")
    assert [column(database)[i] for i in later.object_ids.tolist()] == [None] * 30
    done = learn(database, "ring")
    assert (done.is_new, done.galaxies, done.version.version) == (False, 30, 1)
    after = column(database)
    assert {i: after[i] for i in before} == before
    assert None not in after.values()
    assert learn(database, "ring").galaxies == 0


def test_dropped_columns_come_back_with_the_same_scores(database: str, asked: Asked) -> None:
    say(database, asked, range(40))
    learn(database, "ring")
    before = column(database)
    with connect(database, autocommit=True) as connection:
        assert hide_task(connection, "ring")
    assert learn(database, "ring").is_new
    assert column(database) == before


def test_labels_that_come_while_it_learns_are_for_the_next_time(database: str, asked: Asked) -> None:
    say(database, asked, range(40))
    done = learn(database, "ring", progress=lambda _: say(database, asked, range(40, 50)))
    assert (done.version.labels_seen, done.version.report["galaxies"]) == (40, 40)
    with connect(database, autocommit=True) as connection:
        assert [state.has_new_labels for state in list_tasks(connection)] == [True]
    again = learn(database, "ring")
    assert (again.version.version, again.version.labels_seen) == (2, 50)


def test_killed_in_the_middle_the_former_column_stays(database: str, asked: Asked) -> None:
    say(database, asked, range(40))
    learn(database, "ring")
    before = column(database)
    say(database, asked, range(40, 80))

    def kill(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(database, "ring", progress=kill)
    assert column(database) == before
    assert learn(database, "ring").version.version == 2
    assert column(database) != before


def test_a_worse_model_does_not_replace_a_better_one_unasked(database: str, asked: Asked) -> None:
    say(database, asked, range(80))
    learn(database, "ring")
    before = column(database)
    say(database, asked, range(80, 150), wrong=True)
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
def test_too_few_labels_are_one_line_and_no_column(database: str, asked: Asked, rows: list[int]) -> None:
    yes = np.flatnonzero(asked.answer)[rows].tolist()
    with connect(database, autocommit=True) as connection:
        write_labels(connection, RING, [Label(int(asked.object_ids[i]), "yes") for i in yes], "ann", "test")
    with pytest.raises(LearningError) as error:
        learn(database, "ring")
    assert "\n" not in str(error.value)
    with connect(database, autocommit=True) as connection:
        assert [state.has_column for state in list_tasks(connection)] == [False]


def test_people_who_disagree_are_reported(database: str, asked: Asked) -> None:
    say(database, asked, range(40))
    say(database, asked, range(3), wrong=True, who="bob")
    assert learn(database, "ring").version.report["contradictory"] == 3


def test_the_most_likely_as_of_now_are_those_of_all_by_their_full_vectors(
    database: str, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galcat.workflows.tasks.suggest._MIN_REFINED", 30)
    say(database, asked, range(60))
    with connect(database, autocommit=True) as connection:
        found = find_most_likely(connection, "ring", 15)
        unlabelled = find_most_likely(connection, "ring", 15, unlabelled=True)
    learn(database, "ring")
    probability = column(database)
    by_column = sorted(probability, key=lambda i: -float(probability[i] or 0))[:15]
    assert found.object_ids.tolist() == by_column
    labelled = set(asked.object_ids[:60].tolist())
    assert not labelled & set(unlabelled.object_ids.tolist())
    assert len(unlabelled.object_ids) == 15


def test_suggestions_are_unlabelled_and_where_the_model_is_unsure(database: str, asked: Asked) -> None:
    with connect(database, autocommit=True) as connection:
        first = suggest_labels(connection, "ring", 20)
        assert first.probability is None
        assert suggest_labels(connection, "ring", 20).object_ids.tolist() == first.object_ids.tolist()
    say(database, asked, range(60))
    learn(database, "ring")
    with connect(database, autocommit=True) as connection:
        found = suggest_labels(connection, "ring", 20)
    assert not set(asked.object_ids[:60].tolist()) & set(found.object_ids.tolist())
    assert found.probability is not None
    everybody = np.abs(np.array(list(column(database).values()), dtype=float) - 0.5).mean()
    assert np.abs(found.probability[:, 1] - 0.5).mean() < everybody / 3


def test_a_task_is_due_when_labels_came_and_it_was_quiet(database: str, asked: Asked) -> None:
    with connect(database, autocommit=True) as connection:
        assert stale_tasks(connection, quiet_s=0) == []
        say(database, asked, range(40))
        assert stale_tasks(connection) == []  # somebody may still be labelling
        assert stale_tasks(connection, max_wait_s=0) != []  # but not for ever
        (due,) = stale_tasks(connection, quiet_s=0)
        assert due.name == "ring"
        learn(database, "ring")
        assert stale_tasks(connection, quiet_s=0) == []
        fill_asked(connection, 30, seed=5, tile="later")
        (again,) = stale_tasks(connection, quiet_s=0)
        assert again.state != due.state
        learn(database, "ring")


def test_the_sensor_asks_for_a_run_a_task_once_it_is_quiet(
    database: str, asked: Asked, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> object:
        context = dg.build_sensor_context(
            instance=instance, resources={"database": DatabaseResource(url=database)}
        )
        return new_labels(context)

    say(database, asked, range(40))
    assert isinstance(look(), dg.SkipReason)
    monkeypatch.setattr("dagster_jobs.defs.sensors.stale_tasks", lambda c: stale_tasks(c, quiet_s=0))
    result = look()
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or []
    assert request.partition_key == "ring"
    (added,) = result.dynamic_partitions_requests or []
    assert isinstance(added, dg.AddDynamicPartitionsRequest)
    assert list(added.partition_keys) == ["ring"]


def test_a_run_writes_the_column_and_says_how_good_it_is(
    database: str, asked: Asked, instance: dg.DagsterInstance
) -> None:
    say(database, asked, range(60))
    instance.add_dynamic_partitions("tasks", ["ring"])

    def run() -> tuple[dict[str, bool], dict[str, object]]:
        done = dg.materialize(
            [task_column],
            partition_key="ring",
            instance=instance,
            resources={"database": DatabaseResource(url=database)},
            selection=[task_column],
        )
        (made,) = done.asset_materializations_for_node("task_column")
        checks = {found.check_name: found.passed for found in done.get_asset_check_evaluations()}
        return checks, {name: value.value for name, value in made.metadata.items()}

    checks, told = run()
    assert checks == dict.fromkeys(
        ("enough_labels", "class_balance", "calibration", "score_drift", "no_step_back"), True
    )
    assert told["galaxies_scored"] == N
    say(database, asked, range(60, 130), wrong=True)
    checks, told = run()
    assert not checks["no_step_back"]
    assert told["shown"] is False


def test_labels_from_a_file_by_position_are_matched_listed_and_never_guessed(
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path
) -> None:
    with connect(database, autocommit=True) as connection:
        near = connection.execute(
            "UPDATE galcat.source SET ra = (SELECT ra FROM galcat.source WHERE object_id = %(a)s), "
            "dec = (SELECT dec + 0.0003 FROM galcat.source WHERE object_id = %(a)s) "
            "WHERE object_id = %(b)s",
            {"a": int(asked.object_ids[2]), "b": int(asked.object_ids[3])},
        )
        assert near.rowcount == 1
    file = tmp_path / "rings.csv"
    lines = [f"{asked.ra[i]},{asked.dec[i] + 0.0002},{'yes' if asked.answer[i] else 'no'}" for i in (0, 1, 2)]
    file.write_text("\n".join(["RA,Dec,ring", *lines, "10.0,-89.9,yes"]) + "\n")
    said = galcat("label", "ring", file, "--labeller", "ann")
    assert said.code == 1
    assert "2 rows of" in said.err
    assert "no galaxy (1): row 4" in said.err
    assert "several galaxies, none was taken (1): row 3" in said.err
    with connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT object_id, labeller, origin FROM galcat.label ORDER BY 1"
        ).fetchall()
    assert rows == sorted((int(asked.object_ids[i]), "ann", "rings.csv") for i in (0, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("object_id,ring\nID,yes\nID,perhaps\n", "rings.csv, row 2: 'perhaps' is not one of no, yes"),
        ("object_id,ring\nID,yes\n1.5,no\n", "rings.csv, row 1: object_id"),
        (
            "object_id,shape\nID,yes\n",
            "has no column called ring, answer, label, class, only object_id, shape",
        ),
        ("object_id,ring\n", "rings.csv has no row"),
        ("object_id,ring\nID,yes\nID,no\n", "rings.csv, rows 1 and 2: yes and no, said of the same galaxy"),
        ("object_id,ring\nID,\nID,no\n", "rings.csv, row 1: there is no answer"),
    ],
)
def test_a_wrong_row_keeps_the_whole_file_out(
    galcat: Galcat, database: str, asked: Asked, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "rings.csv"
    file.write_text(text.replace("ID", str(asked.object_ids[0])))
    said = galcat("label", "ring", file)
    assert said.code == 1
    assert message in said.err.replace("\n", " ")
    with connect(database, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.label").fetchone() == (0,)


def test_the_command_line_from_a_question_to_a_column(galcat: Galcat, asked: Asked, tmp_path: Path) -> None:
    assert galcat("tasks", "add", "kind", "--question", "What is it?", "--classes", "a,b,c").code == 0
    which = np.digitize(asked.search[:, 0], [-0.03, 0.03])
    file = tmp_path / "kinds.csv"
    lines = [f"{asked.object_ids[i]},{'abc'[which[i]]}" for i in range(90)]
    file.write_text("\n".join(["object_id,label", *lines, "12345,a"]) + "\n")
    said = galcat("label", "kind", file)
    assert said.code == 1
    assert "no galaxy (1): row 91" in said.err
    assert galcat("tasks", "say", "kind", f"{asked.object_ids[91]}={'abc'[which[91]]}").code == 0
    said = galcat("finetune", "kind")
    assert said.code == 0
    assert "learnt from 91 galaxies; on labels held out AUC 0." in said.err
    sheet = tmp_path / "next.png"
    assert galcat("tasks", "next", "kind", "-n", "4", "--sheet", sheet).code == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert "p_b" in galcat("tasks", "likely", "kind", "--class", "b", "-n", "3").out
    listed = galcat("tasks").out
    assert "a 3" in listed or "a 2" in listed
    answer = galcat(
        "sql", "SELECT sum(kind_a_probability + kind_b_probability + kind_c_probability) FROM galcat.galaxy"
    )
    assert f"{N}" in answer.out
    assert "#blue put on 2 galaxies" in galcat("tag", "#Blue", *asked.object_ids[:2]).err
    assert galcat("sql", "SELECT DISTINCT tag FROM galcat.current_tag").out.split()[:2] == ["tag", "blue"]
    assert galcat("tasks", "drop", "kind").code == 0
    said = galcat("sql", "SELECT kind_a_probability FROM galcat.galaxy")
    assert (said.code, "kind_a_probability" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tasks", "add", "Ring!", "--question", "?"], "task 'Ring!' is no name for a column"),
        (["tasks", "say", "ring", "yes"], "'yes' is not ID=answer"),
        (["tasks", "say", "ring", "123=yes"], "no galaxy has object_id 123"),
        (["tasks", "next", "rung"], "no task is called 'rung'; there are: ring"),
        (["finetune", "ring"], "error:"),
        (["tasks", "likely", "ring", "--class", "maybe"], "'maybe' is no class of no, yes"),
        (["label", "ring", "nowhere.csv"], "nowhere.csv: no such file"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_a_wrong_word_is_one_line(galcat: Galcat, words: list[str], message: str) -> None:
    said = galcat(*words)
    assert said.code == 1
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1


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
