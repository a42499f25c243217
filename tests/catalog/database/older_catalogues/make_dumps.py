"""Keeps a small catalogue as the code of each of several older commits makes it, as files of SQL.

    python -m tests.catalog.database.older_catalogues.make_dumps [COMMIT ...]

writes `COMMIT.sql.xz` beside this file, in a few seconds a commit. Every commit is checked out into a
temporary folder, and its own code makes the schema and writes what is in there: a release and a second one
beside it, two tiles of 12 galaxies each, and, where the commit has them, tasks with labels and scores, tags,
a personal anomaly search, and a job of the service.
"""

import lzma
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from catalog.database.embedded.account import package_programs
from catalog.database.embedded.server import down, up

COMMITS = ("0f7a79e", "cc5d70f", "deb9f2d", "2bd8f45", "652be49", "352bbaa", "813931c", "66b832f")
"""The first commit that makes a catalogue, and each one that changed a migration, oldest first."""
GALAXIES = 12  # a tile
_HERE = Path(__file__).parent
_PROGRAM = """
import dataclasses, importlib, sys
import numpy as np
from catalog.connection import connect
from catalog.migrate import migrate
from catalog.records import GalaxyRows, ReleaseRecord, SkipRecord, SurveyRecord, TileRecord
from catalog.release import register_release
from catalog.constants import SEARCH_DIMENSION
from catalog.questions import CONCENTRATIONS, QUESTIONS
from catalog.writer import register_survey, write_failure, write_tile

LABEL = "INSERT INTO galcat.label (task, object_id, answer, labeller) VALUES ('ring', %s, %s, %s)"
url, n = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(1)


def release(name):
    return ReleaseRecord(
        name=name, weights_sha256=name.encode().hex().ljust(64, "0"), backbone="none", recipe={"size": 8},
        view_set=1, projection_mean=rng.normal(size=64).astype(np.float32),
        projection_components=rng.normal(size=(SEARCH_DIMENSION, 64)).astype(np.float32),
        projection_deviations=np.ones(SEARCH_DIMENSION, np.float32), projection_scale=1.0,
    )


def tile(name):
    has_folder = "folder" in {field.name for field in dataclasses.fields(TileRecord)}
    corners = (9.0, 1.0, 11.0, 1.0, 11.0, 3.0, 9.0, 3.0)
    return TileRecord(
        name, 10.0, 2.0, corners, ("a.fits",), name + " 1", "content of " + name,
        *(["/galcat/drop"] if has_folder else []),
    )


def galaxies(prefix):
    fractions = [rng.dirichlet(np.ones(len(answers)), n) for answers in QUESTIONS.values()]
    return GalaxyRows(
        survey_source_id=[f"{prefix}{i}" for i in range(n)],
        ra=rng.uniform(0, 360, n), dec=rng.uniform(-80, 80, n),
        radii_arcsec={"shape_r": rng.uniform(1, 12, n).astype(np.float32)},
        magnitudes={"r": rng.uniform(14, 19, n).astype(np.float32)},
        full=rng.normal(size=(n, 64)).astype(np.float32),
        search=(rng.normal(size=(n, SEARCH_DIMENSION)) / 9).astype(np.float32),
        fractions=np.concatenate(fractions, axis=1).astype(np.float32),
        concentrations=rng.uniform(2, 200, (n, len(CONCENTRATIONS))).astype(np.float32),
        jpegs=[rng.bytes(50) for _ in range(n)],
    )


migrate(url)
with connect(url) as connection:
    first = register_release(connection, release("first"))
    survey = register_survey(connection, SurveyRecord("survey", "made up", ("g", "r"), "toml"))
    skipped = [SkipRecord(99, "s99", "bad_pixels", "half of it", False)]
    write_tile(connection, survey, first, tile("north"), galaxies("n"), skipped)
    write_tile(connection, survey, first, tile("south"), galaxies("s"), [])
    write_failure(connection, survey, first, dataclasses.replace(tile("torn"), content_hash=None), "torn")
    register_release(connection, release("second"))
    connection.commit()
    ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1")]
    if connection.execute("SELECT to_regclass('galcat.task') IS NOT NULL").fetchone()[0]:
        try:
            helper = importlib.import_module("tests.catalog.scored_tasks")
        except ModuleNotFoundError:
            helper = importlib.import_module("tests.catalog.test_tasks")
        from catalog.tasks import add_task, show_task
        for task in (helper.RING, helper.KIND, helper.ODD):
            add_task(connection, task)
            show_task(connection, task.name)
            connection.commit()
        for person, later in (("ann", "no"), ("bob", "yes")):
            for i, one in enumerate(ids):
                connection.execute(LABEL, [one, "yes" if i % 2 else "no", person])
            connection.execute(LABEL, [ids[0], later, person])
        for i, one in enumerate(ids[:5]):
            connection.execute(
                "INSERT INTO galcat.label (task, object_id, rating, labeller) VALUES ('odd', %s, %s, 'ann')",
                [one, i],
            )
        connection.execute(
            "INSERT INTO galcat.tag (object_id, tag, labeller) VALUES (%s, 'diffuse', 'ann')", ids[:1]
        )
        connection.commit()
        helper.scored(connection, helper.RING, 1)
        helper.scored(connection, helper.RING, 2)
        helper.scored(connection, helper.RING, 3, "it is worse")
        helper.scored(connection, helper.KIND, 4)
        connection.execute(
            "INSERT INTO galcat.interest_round (task, round, release_id, labels_seen, ratings) "
            "VALUES ('odd', 1, %s, 30, 5)", [first],
        )
        for place, one in enumerate(ids[:5], 1):
            connection.execute(
                "INSERT INTO galcat.interest_offer (task, round, place, object_id) VALUES ('odd', 1, %s, %s)",
                [place, one],
            )
        connection.commit()
    columns = connection.execute(
        "SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = to_regclass('galcat_tap.job')"
    ).fetchone()[0]
    if columns:
        address = ("base_url",) if "base_url" in columns else ()
        connection.execute(
            "INSERT INTO galcat_tap.job (" + ", ".join(
                ("job_id", "run_id", "phase", "parameters", "destruction", "execution_seconds", *address)
            ) + ") VALUES (" + ", ".join(["%s"] * (6 + len(address))) + ")",
            ["a1", "mine", "COMPLETED", '{"QUERY": "SELECT 1"}', "2100-01-01", 60,
             *["http://127.0.0.1:8000"] * len(address)],
        )
    connection.commit()
"""


def main() -> None:
    """Make the dumps of the commits that are named, else of all."""
    commits = sys.argv[1:] or COMMITS
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)  # as root, the embedded server's account must reach it
        home = Path(scratch) / "home"
        server = up(home, durable=False)
        try:
            for commit in commits:
                _make(commit, Path(scratch) / commit, server)
        finally:
            down(home)


def _make(commit: str, code: Path, server: str) -> None:
    database = f"old_{commit}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
    url = server.replace("/galcat?", f"/{database}?")
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", code, commit], check=True)
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GALCAT_")}
        subprocess.run(
            [sys.executable, "-", url, str(GALAXIES)],
            input=_PROGRAM,
            text=True,
            env=environment | {"PYTHONPATH": str(code)},
            cwd=code,
            check=True,
        )
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", code], check=True)
    command = [str(package_programs() / "pg_dump"), "--inserts", "--rows-per-insert=50", url]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    text = re.sub(r"(?m)^(\\(un)?restrict .*|SET transaction_timeout = 0;)\n", "", text)  # of psql; of 17 on
    packed = lzma.compress(text.encode(), preset=lzma.PRESET_EXTREME | 9)
    (_HERE / f"{commit}.sql.xz").write_bytes(packed)


if __name__ == "__main__":
    main()
