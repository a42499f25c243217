"""What an operator learns from `galcat status` and `galcat migrate`, and by which exit code."""

from pathlib import Path

import psycopg
import pytest

from catalog.database.disk import find_database_bytes
from catalog.releases.state import Finding
from catalog.settings import load_settings
from galcat.workflows.ingest.drop_scan import plan_everything_pending
from galcat.workflows.watch.looks import record_look
from galcat.workflows.watch.state import describe_catalogue
from tests.catalog.galaxies import fill
from tests.galcat.bricks import mend, spoil, write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.workflows.watch.alarm_receivers import receiving_posts
from tests.other_logins import session_in_role

SURVEY = "legacy_dr10"


def lines(out: str) -> dict[str, str]:
    """The lines of a state by their name, with the mark before it."""
    found: dict[str, str] = {}
    for line in out.splitlines():
        mark, name = line[:4].strip(), line[5:].split(":")[0]
        if mark in {"ok", "CARE"}:
            found[name] = f"{mark} {line[5:]}"
    return found


def test_what_needs_care_is_said_with_its_remedy_and_an_exit_code(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path
) -> None:
    assert galcat("status").code == 1
    folder = tmp_path / "drop" / SURVEY
    for name in ("0100p000", "0101p000"):
        write_brick(folder, name)
    whole = spoil(folder, "0101p000")
    assert galcat("ingest", folder, "--survey", SURVEY, "--weights", weights).code == 1
    said = galcat("status")
    state = lines(said.out)
    assert said.code == 1
    assert state["failed"].startswith("CARE failed: 1 tile: 0101p000: ")
    assert "     to do: mend the files; the night tries again\n" in said.out
    assert state["release"] == "ok release: small-0 is shown"
    assert state["tiles"].startswith("ok tiles: 1 tile with 3 galaxies, the last one tried at ")
    assert state["last day"] == "ok last day: 2 tiles tried, 1 failed"
    assert state["pending"] == f"ok pending: 1 tile in {tmp_path / 'drop'}: 0101p000"
    assert state["last night"] == "ok last night: no night is known on this machine: galcat jobs runs them"
    assert state["recall"].startswith("ok recall: the vector index finds 100.0% of the 20 nearest (ingest, ")
    assert state["alarms"] == "ok alarms: nobody is told of failures"
    mend(folder, "0101p000", whole)
    assert galcat("ingest", folder, "--survey", SURVEY, "--weights", weights).code == 0
    said = galcat("status")
    assert (said.code, "CARE" in said.out) == (0, False)
    next(folder.rglob("*0100p000*image-r*")).unlink()
    said = galcat("status")
    assert said.code == 1
    assert lines(said.out)["files"] == "CARE files: 1 tile lost files: 0100p000"
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO galcat.recall (release_id, occasion, recall, nearest, queries, vectors) "
            "VALUES (1, 'night', 0.979, 20, 50, 6)"
        )
        said = galcat("status")
        assert lines(said.out)["recall"].startswith("CARE recall: the vector index finds 97.9% of")
        assert "     to do: galcat check measures it again, and says what to do\n" in said.out
        owner.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
    said = galcat("status")
    assert (said.code, said.out.splitlines()[-1]) == (1, "     to do: galcat migrate")
    assert galcat("migrate", "--plan").out.splitlines()[0] == "sql/001_roles.sql"
    assert galcat("migrate").code == 0
    assert galcat("migrate").err == "the schema is up to date\n"


def test_nights_and_large_drop_folders_are_told_as_the_jobs_saw_them(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path
) -> None:
    folder = tmp_path / "drop" / SURVEY
    for name in ("0100p000", "0101p000"):
        write_brick(folder, name)
    assert galcat("ingest", folder, "--survey", SURVEY, "--weights", weights).code == 0
    next(folder.rglob("*0100p000*image-r*")).unlink()
    settings = load_settings()

    def state(max_looked_at: int) -> dict[str, Finding]:
        return {one.name: one for one in describe_catalogue(database, settings, max_looked_at)}

    few = state(1)
    assert few["pending"].text == f"nobody has looked into {settings.drop_folder}: galcat status --all does"
    assert "waiting" not in few
    seen = [few["files"].text, state(2)["files"].text]  # one of two tiles; which, the hour says
    assert seen[0] in {
        "1 tile lost files: 0100p000",
        "no file is missing of 1 tile; galcat status --all looks at every tile",
    }
    assert seen[1] == "1 tile lost files: 0100p000"
    waiting = f"1 tile without all files, {SURVEY}/0100p000 lacks legacysurvey-"
    assert state(2)["waiting"].text.startswith(waiting)

    record_look(
        settings.home, "drop_folder", plan_everything_pending(settings.drop_folder, database).describe()
    )
    record_look(settings.home, "night", {"checks": 12, "broken": ["complete"]})
    jobs = state(1)
    assert jobs["pending"] == Finding("pending", f"0 tiles in {settings.drop_folder}")
    assert jobs["waiting"].text == state(2)["waiting"].text
    assert jobs["last night"].text.startswith("1 of 12 checks did not pass at 20")
    assert jobs["last night"].remedy == "galcat check says more"


def test_a_folder_that_may_not_be_looked_into_ends_no_look_at_the_rest(database: str, galcat: Galcat) -> None:
    del galcat  # its home is that of this test
    folder = "/" + 300 * "a"  # root may look everywhere, but no name is that long
    with psycopg.connect(database, autocommit=True) as owner:
        fill(owner, 5)
        owner.execute("UPDATE galcat.tile SET folder = %s, files = '{a.fits}'", [folder])
    state = list(describe_catalogue(database, load_settings()))
    told = f"{folder} is not on this machine, or not open to this login: its tiles are not looked at"
    assert [one for one in state if one.name == "files"] == [Finding("files", told)]
    assert {"disk", "alarms"} <= {one.name for one in state}


def test_of_a_disk_that_cannot_be_seen_the_bound_is_watched(
    database: str, galcat: Galcat, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as owner:
        (folder,) = owner.execute("SHOW data_directory").fetchone() or ("",)
        bytes_there = find_database_bytes(owner)
    assert lines(galcat("status").out)["database disk"].endswith(f" where {folder} lies")
    with session_in_role(database, "galcat_owner") as login:
        galcat.use(database.replace("postgres@", f"{login.info.user}@", 1))
        unseen = "database disk: the server does not let this machine look at it"
        assert lines(galcat("status").out)["database disk"] == (
            f"ok {unseen}, and GALCAT_LIMIT_DATABASE_BYTES sets no bound"
        )
        size = bytes_there / 1e9
        for more, mark in ((5e9, "ok"), (5e8, "CARE")):
            monkeypatch.setenv("GALCAT_LIMIT_DATABASE_BYTES", str(bytes_there + int(more)))
            assert lines(galcat("status").out)["database disk"] == (
                f"{mark} {unseen}; {size:.1f} of at most {size + more / 1e9:.1f} GB are taken"
            )


def test_what_needs_care_is_sent_as_an_alarm(galcat: Galcat, tmp_path: Path) -> None:
    refused = galcat("status", "--alarm")
    assert (refused.code, "no alarm is set: name a webhook" in refused.err) == (1, True)
    with receiving_posts() as posted:
        (tmp_path / "galcat.toml").write_text(f'[alarm]\nwebhook = "http://127.0.0.1:{posted.port}"\n')
        assert galcat("status", "--alarm").code == 1
        galcat.use("postgresql://nobody@127.0.0.1:1/none")
        away = galcat("status", "--alarm")
    post, of_the_database = posted.posts
    assert away.code == 1
    assert away.err.startswith("error: cannot connect to 127.0.0.1, database none: ")
    assert of_the_database["text"].splitlines() == [
        "galcat: 1 thing needs care",
        f"galcat status failed: {away.err.removeprefix('error: ').strip()}",
    ]
    assert post["text"].splitlines() == [
        "galcat: 1 thing needs care",
        "release: there is none yet",
        "    to do: fill the catalogue by galcat ingest",
    ]
