"""Labelling over HTTP: what is said is stored once, in the name of the session, and in no other."""

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from catalog.tap.limits import ServiceLimits
from catalog.web.app import page_routes
from catalog.web.labelling.people import PersonError, add_person, list_people, make_link, remove_person
from catalog.web.labelling.sessions import read_key
from catalog.web.page_services import NextBatch, NextGalaxy, PageServices
from tests.catalog.tap.tap_server import serving
from tests.catalog.web.labelling import Enter, labels, say, some_ids, token


def test_answers_and_ratings_are_stored_once_in_the_name_of_the_session(enter: Enter, tasks: str) -> None:
    ana, bob = enter("ana"), enter("bob")
    first, second = some_ids(tasks, 2)
    now = time.time()
    assert say(ana, "ring", (first, "yes", now - 9), (second, "no", now - 8)).json() == {
        "new": 2,
        "refused": {},
    }
    assert say(ana, "ring", (first, "yes", now - 9)).json()["new"] == 0  # sent again after a lost connection
    assert say(bob, "ring", (first, "no", now - 7)).json()["new"] == 1
    assert say(bob, "odd", (second, 4, now - 6)).json()["new"] == 1
    assert say(ana, "ring", (second, None, now - 5)).json()["new"] == 1  # undone
    assert say(ana, "ring", (second, "yes", now - 8)).json()["new"] == 0  # older than the last word
    assert labels(tasks) == [
        ("ring", first, "yes", None, "ana", "page"),
        ("ring", second, "no", None, "ana", "page"),
        ("ring", first, "no", None, "bob", "page"),
        ("odd", second, None, 4.0, "bob", "page"),
        ("ring", second, None, None, "ana", "page"),
    ]
    following = ana.get("/label/ring/next").json()
    assert (following["counts"], following["mine"]) == ({"no": 1, "yes": 1}, 1)
    assert (following["pairs"], following["agreeing"]) == (1, 0)


def test_who_cannot_tell_is_not_asked_again_and_may_change_their_mind(enter: Enter, tasks: str) -> None:
    ana, bob = enter("ana"), enter("bob")
    (first, *_) = [int(one["id"]) for one in ana.get("/label/ring/next").json()["galaxies"]]
    assert say(ana, "ring", (first, "?", time.time() - 5)).json()["new"] == 1
    assert str(first) not in [one["id"] for one in ana.get("/label/ring/next").json()["galaxies"]]
    assert str(first) in [one["id"] for one in bob.get("/label/ring/next").json()["galaxies"]]
    assert say(ana, "ring", (first, "yes", time.time() - 4)).json()["new"] == 1
    with psycopg.connect(tasks) as connection:
        assert connection.execute("SELECT count(*) FROM galcat.current_tag").fetchone() == (0,)


def test_strangers_readers_and_forged_requests_say_nothing(
    enter: Enter, page: httpx.Client, tasks: str
) -> None:
    ana, reader = enter("ana"), enter("rea", "reader")
    (first,) = some_ids(tasks, 1)
    body = [{"id": str(first), "value": "yes", "at": time.time() * 1000}]
    assert page.post("/label/ring/say", json=body).status_code == 403
    assert ana.post("/label/ring/say", json=body).status_code == 403  # as a form of another site would
    assert say(reader, "ring", (first, "yes", time.time())).status_code == 403
    forged = {"galcat_session": ana.cookies["galcat_session"][:-2] + "xx"}
    assert httpx.post(f"{page.base_url}/label/ring/say", json=body, cookies=forged).status_code == 403
    foreign = ana.post(
        "/label/ring/say",
        json=body,
        headers={"X-Form-Token": token(reader), "Origin": "https://evil.example"},
    )
    assert foreign.status_code == 403
    assert labels(tasks) == []
    assert page.get("/label/ring").status_code == 200
    assert "not logged in" in page.get("/label/ring").text


NO_ANSWERS = (
    "{}",
    "[1]",
    "no json",
    '[{"id": "1 OR 1=1", "value": "yes", "at": 1}]',
    '[{"id": "9999999999999999999", "value": "yes", "at": 1}]',
    '[{"id": "12", "value": "<script>", "at": 1}]',
    '[{"id": "12", "value": 7, "at": 1}]',
    '[{"id": "12", "value": "yes", "at": 1e300}]',
    '[{"id": "12", "value": ["yes"], "at": 1}]',
    "[" + "1," * 60_000 + "1]",
    "[" * 90_000,
    '[{"id": "12", "value": "yes", "at": true}]',
)


def test_what_is_no_answer_is_refused(enter: Enter, tasks: str) -> None:
    ana = enter("ana")
    form_token = token(ana)
    for body in NO_ANSWERS:
        answer = ana.post("/label/ring/say", content=body, headers={"X-Form-Token": form_token})
        assert answer.status_code == 400, body[:80]
        assert answer.json()["error"], body[:80]
    (identity,) = some_ids(tasks, 1)
    for value in (True, 2.5, 6, "3"):
        answer = say(ana, "odd", (identity, value, time.time()))
        assert (answer.status_code, "0 to 5" in answer.text) == (400, True), value
    assert labels(tasks) == []


def test_a_token_of_other_letters_is_refused_as_any_other(enter: Enter) -> None:
    ana = enter("ana")
    for head in ("x", "\u00e9"):
        answer = ana.post("/label/ring/say", json=[], headers={"X-Form-Token": head.encode("latin-1")})
        assert (answer.status_code, "not of this page" in answer.text) == (403, True)


def test_a_galaxy_that_is_not_there_is_named_and_the_others_are_stored(enter: Enter, tasks: str) -> None:
    ana = enter("ana")
    (first,) = some_ids(tasks, 1)
    said = say(ana, "ring", (12, "yes", time.time()), (first, "no", time.time())).json()
    assert said == {"new": 1, "refused": {"12": "no galaxy has object_id 12"}}


def test_a_link_lets_in_once_and_whoever_is_removed_is_out(
    enter: Enter, page: httpx.Client, tasks: str
) -> None:
    ana = enter("ana")
    with psycopg.connect(tasks, autocommit=True) as connection:
        link = make_link(connection, "ana")
        assert page.get(f"/enter/{link}").status_code == 200  # to look is not to enter
        first, second = (httpx.post(f"{page.base_url}/enter/{link}") for _ in range(2))
        assert (first.status_code, second.status_code) == (303, 403)
        assert [(one.name, one.sessions) for one in list_people(connection)] == [("ana", 2)]
        assert connection.execute(
            "SELECT count(*) FROM galcat_tap.person WHERE link_digest = %s", [link.encode()]
        ).fetchone() == (0,)
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "ana" in ana.get("/label").text
        remove_person(connection, "ana")
        assert "You are not logged in" in ana.get("/label").text
        with pytest.raises(PersonError, match="nobody is called 'ana'"):
            make_link(connection, "ana")


def test_logging_out_needs_the_forms_token_and_ends_the_session(enter: Enter) -> None:
    ana = enter("ana")
    assert ana.post("/leave", data={"form_token": "x"}).status_code == 403
    assert ana.post("/leave", data={"form_token": token(ana)}).status_code == 303
    assert "You are not logged in" in ana.get("/label").text


def test_the_database_refuses_a_labeller_who_speaks_for_another(enter: Enter, tasks: str) -> None:
    enter("ana")
    (first,) = some_ids(tasks, 1)
    with psycopg.connect(tasks) as connection:
        connection.execute("SET ROLE galcat_labeller")
        for statement in (
            "INSERT INTO galcat.label (task, object_id, answer, labeller) VALUES ('ring', %s, 'yes', 'ana')",
            "SELECT galcat_tap.say('guessed', 'ring', %s, 'yes', NULL, now())",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement, [first])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT token_digest FROM galcat_tap.session")
    assert labels(tasks) == []


def test_the_key_of_cookies_is_its_owners_alone(enter: Enter, parts: PageServices) -> None:
    enter("ana")
    assert stat.S_IMODE(parts.secret_file.stat().st_mode) == 0o600


def test_services_that_begin_at_once_agree_on_one_whole_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as services:
        for n in range(50):
            (key,) = set(services.map(read_key, [tmp_path / f"{n}.key"] * 8))
            assert len(key) > 60
    assert len(list(tmp_path.iterdir())) == 50


def test_what_chooses_is_asked_with_the_task_and_what_was_skipped_is_left_out(
    tasks: str, tmp_path: Path
) -> None:
    ids = some_ids(tasks, 12)
    asked: list[tuple[str, int]] = []

    def choose(name: str, n: int) -> NextBatch:
        asked.append((name, n))
        return NextBatch([NextGalaxy(one, "yes 0.50") for one in ids], "they are the first")

    parts = replace(PageServices(tmp_path / "key"), choose_next=choose)
    with (
        serving(
            tasks, tmp_path, ServiceLimits(), make_pages=lambda service: page_routes(service, parts)
        ) as served,
        httpx.Client(base_url=served.url) as client,
    ):
        strangers = client.get("/label/ring/next").json()
        assert asked == []  # who only looks makes no work, and begins no round
        with psycopg.connect(tasks, autocommit=True) as connection:
            client.post(f"/enter/{add_person(connection, 'ana', 'labeller')}")
        found = client.get(f"/label/ring/next?skip={ids[0]},{ids[3]}").json()
    assert "random galaxies" in strangers["reason"]
    assert len(strangers["galaxies"]) == 10
    assert asked == [("ring", 12)]
    assert [one["id"] for one in found["galaxies"]] == [
        str(one) for one in ids if one not in {ids[0], ids[3]}
    ]
    assert (found["reason"], found["galaxies"][0]["belief"]) == ("they are the first", "yes 0.50")


@pytest.mark.parametrize("name", ["", "a b", "<script>", "-x", "a" * 41, "postgres;"])
def test_a_name_that_will_not_do_is_refused(tasks: str, name: str) -> None:
    with psycopg.connect(tasks) as connection, pytest.raises(PersonError, match="is no name"):
        add_person(connection, name, "labeller")


def test_a_name_is_given_once(tasks: str) -> None:
    with psycopg.connect(tasks) as connection:
        add_person(connection, "ana", "labeller")
        with pytest.raises(PersonError, match="ana is there already: galcat people link ana"):
            add_person(connection, "ana", "reader")
