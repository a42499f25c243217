"""What people said: gold-standard galaxies, agreement, taking back, and files of labels."""

import csv
import html
import io
import re
import time

import httpx
import psycopg
import pytest

from catalog.formats.result_file import FILE_FORMATS, write_result
from catalog.tasks.agreement import Score, read_scores
from catalog.tasks.labels import Label, list_labels, write_labels
from catalog.tasks.tasks import find_task
from catalog.web.labelling.people import PersonError, add_person
from tests.catalog.web.labelling import Enter, labels, say, some_ids, token


def put_gold(database: str, ids: list[int], answer: str = "yes") -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        task = find_task(connection, "ring")
        write_labels(connection, task, [Label(one, answer) for one in ids], "gold", "file")


def test_one_gold_standard_galaxy_comes_with_every_batch_until_all_are_answered(
    enter: Enter, tasks: str
) -> None:
    gold = some_ids(tasks, 2)
    put_gold(tasks, gold)
    ana = enter("ana")
    seen = []
    for said in ("yes", "no"):
        batch = [int(one["id"]) for one in ana.get("/label/ring/next").json()["galaxies"]]
        assert len(batch) == 10
        (asked,) = set(batch) & set(gold)
        seen.append(asked)
        assert say(ana, "ring", (asked, said, time.time() - 5)).json()["new"] == 1
    assert sorted(seen) == gold
    following = ana.get("/label/ring/next").json()
    assert set(gold).isdisjoint(int(one["id"]) for one in following["galaxies"])
    assert (following["gold"], following["gold_right"]) == (2, 1)
    assert following["pairs"] == 0  # the gold standard is nobody's opinion
    bob = enter("bob")
    assert say(bob, "ring", (gold[0], "yes", time.time() - 4)).json()["new"] == 1
    text = re.sub(r"<[^>]+>", "", bob.get("/label/ring/said").text)
    assert "1 of 1 answers with a gold standard that you got right" in text
    with psycopg.connect(tasks) as connection:
        scores = {one.labeller: one for one in read_scores(connection, find_task(connection, "ring"))}
    agree = int(seen[0] == gold[0])  # ana said yes of the first that she was shown
    assert scores == {
        "ana": Score("ana", 2, 1, agree, 2, 1),
        "bob": Score("bob", 1, 1, agree, 1, 1),
    }


def test_nobody_is_called_as_the_gold_standard(tasks: str) -> None:
    with psycopg.connect(tasks) as connection, pytest.raises(PersonError, match="gold-standard"):
        add_person(connection, "gold", "labeller")


def test_what_somebody_said_is_taken_back_on_the_page_by_nobody_else(enter: Enter, tasks: str) -> None:
    ana, bob = enter("ana"), enter("bob")
    first, second = some_ids(tasks, 2)
    say(ana, "ring", (first, "yes", time.time() - 9), (second, "no", time.time() - 8))
    form = {"object_id": str(first), "form_token": token(ana)}
    assert bob.post("/label/ring/withdraw", data=form).status_code == 403
    assert bob.post("/label/ring/withdraw", data={**form, "form_token": token(bob)}).status_code == 303
    assert len(labels(tasks)) == 2
    answer = ana.post("/label/ring/withdraw", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/label/ring/said")
    assert labels(tasks)[2:] == [("ring", first, None, None, "ana", "page")]
    text = ana.get("/label/ring/said").text
    assert f"take back what you said of {second}" in text
    assert f"take back what you said of {first}" not in text
    for wrong in ("<b>", "9" * 30, ""):
        refused = ana.post("/label/ring/withdraw", data={**form, "object_id": wrong})
        assert refused.status_code == 400
        assert "<b>" not in refused.text
    assert ana.post("/label/none/withdraw", data=form).status_code == 404


def bring(client: httpx.Client, content: bytes, name: str = "rings.csv", **form: str) -> httpx.Response:
    data = {"form_token": token(client), **form}
    return client.post("/label/ring/said", data=data, files={"file": (name, content)})


def test_labels_go_out_and_come_back_as_files_in_the_visitors_name(enter: Enter, tasks: str) -> None:
    ana, bob = enter("ana"), enter("bob")
    first, second, third = some_ids(tasks, 3)
    said_at = time.time() - 9
    say(ana, "ring", (first, "yes", said_at), (second, "no", said_at))
    say(bob, "ring", (third, "no", said_at))
    with psycopg.connect(tasks) as connection:
        task = find_task(connection, "ring")
        everybody = list_labels(connection, task)
    for name in FILE_FORMATS:
        answer = bob.get(f"/label/ring/labels/{name}")
        assert answer.content == write_result(everybody, name), name
        assert "attachment" in answer.headers["content-disposition"]
    own = ana.get("/label/ring/labels/csv?mine=1").text
    assert [row["object_id"] for row in csv.DictReader(io.StringIO(own))] == [str(first), str(second)]
    refused = bring(bob, own.encode())
    assert refused.status_code == 400
    assert "labels of 'ana': here you speak for bob alone" in html.unescape(refused.text)
    table = f"object_id,answer\n{first},no\n{second},no\n12,yes\n".encode()
    text = re.sub(r"<[^>]+>", "", bring(bob, table).text)
    assert "2 rows of rings.csv are labels of ring, 2 of them new, in your name. No galaxy: row 3." in text
    assert "0 of them new" in bring(bob, table).text
    assert labels(tasks)[3:] == [
        ("ring", first, "no", None, "bob", "page"),
        ("ring", second, "no", None, "bob", "page"),
    ]


NO_LABEL_FILES = (
    (b"object_id,answer\n{id},maybe\n", "row 1: 'maybe' is not one of no, yes"),
    (b"object_id,answer\n{id},yes\n{id},no\n", "rows 1 and 2"),
    (b"a,b\n1,2\n", "rings.csv: "),
    (b"object_id,answer\n{id},<script>alert(1)</script>\n", "row 1: "),
    (b"\0\1", "rings.csv: "),
    (b"object_id,answer\n" + b"12,yes\n" * 5001, "5,001 rows: 5,000 at most"),
)


def test_a_file_that_is_wrong_anywhere_stores_nothing(enter: Enter, page: httpx.Client, tasks: str) -> None:
    ana, reader = enter("ana"), enter("rea", "reader")
    (first,) = some_ids(tasks, 1)
    for content, message in NO_LABEL_FILES:
        answer = bring(ana, content.replace(b"{id}", str(first).encode()))
        assert answer.status_code == 400, message
        assert message in html.unescape(answer.text)
        assert "<script>alert" not in answer.text
    good = f"object_id,answer\n{first},yes\n".encode()
    assert bring(ana, good, form_token="forged").status_code == 403  # noqa: S106 - a forged one
    assert bring(reader, good).status_code == 403
    assert page.post("/label/ring/said", files={"file": ("a.csv", good)}).status_code == 403
    assert page.get("/label/ring/labels/csv").status_code == 403
    assert ana.get("/label/ring/labels/exe").status_code == 404
    assert labels(tasks) == []
