"""Keeps a small catalogue and its Dagster home, made by the code of any commit, as three files of data.

    git worktree add --detach OLD COMMIT
    python -m tests.galcat.old_home.make_dump OLD VERSION
    git worktree remove OLD

writes `catalogue_VERSION.sql.xz`, `dagster_VERSION.tar.gz` and `encoder_VERSION.json` (the head of the
weights file) beside this file, in a few minutes. VERSION is what the commit was released as, such as `0_1_0`.
What is in there was done by commands of that commit, as a user does it: the daemon of `galcat jobs`
ingests bricks that arrive, two people label, a task is learnt, a personal search has one rated round and an
open one, galaxies have tags, the service has run one job. No path of the machine is left: the home is
`/galcat/home`.
"""

import argparse
import csv
import gzip
import io
import json
import lzma
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from catalog.database.embedded.account import package_programs

SURVEY = "legacy_dr10"
BRICKS = ("0100p000", "0101p000", "0500p100", "0501p100")  # in two cells of the sky
GALAXIES = 12
MODIFIED_S = 1_700_000_000  # of every brick's file, for its size and time tell whether it changed
PLACES = {
    "home": "/galcat/home",
    "code": "/galcat/code",
    "python": "/galcat/python",
    "socket": "/galcat/socket",
}
WEIGHTS = "small.safetensors"
LIMIT_S = 300.0
DEFINITIONS = """
from dagster_jobs.definitions import catalogue_definitions

defs = catalogue_definitions(2, {weights!r})
"""
WORKSPACE = """
load_from:
  - python_file: {{relative_path: {file}, location_name: dagster_jobs.definitions}}
"""
HELPERS = """
import os
from pathlib import Path
from {bricks} import write_brick
from {small_encoder} import write_small_encoder

write_small_encoder(Path({weights!r}))
for name in {names!r}:
    write_brick(Path({folder!r}), name)
for path in Path({folder!r}).rglob("*.*"):
    os.utime(path, ({modified_s}, {modified_s}))
"""


@dataclass(frozen=True)
class OldCode:
    """The code of a commit, run in processes of its own over a home of its own."""

    code: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see: nothing of this machine's own settings, and an invented user."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GALCAT_", "PG"))}
        return kept | {
            "PYTHONPATH": str(self.code),
            "GALCAT_HOME": str(self.home),
            "DAGSTER_HOME": str(self.home / "dagster"),
            "LOGNAME": "astronomer",
        }

    def python(self, *words: object) -> list[str]:
        """The command line of its Python."""
        return [sys.executable, *map(str, words)]

    def galcat(self, *words: object) -> list[str]:
        """The command line of its `galcat`."""
        module = "galcat.cli.main" if (self.code / "galcat" / "cli").is_dir() else "dagster_jobs.cli"
        return self.python("-m", module, *words)

    def run(self, command: list[str]) -> str:
        """What a command prints; it has to succeed."""
        done = subprocess.run(
            command, env=self.environment, cwd=self.home, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    @contextmanager
    def running(self, command: list[str]) -> Iterator[None]:
        """A process that goes on until it is interrupted, with all that it started."""
        process = subprocess.Popen(command, env=self.environment, cwd=self.home, start_new_session=True)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def main() -> None:
    """Make both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("code", type=Path, help="checkout of the commit")
    parser.add_argument("version", help="of the commit, such as 0_1_0")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch).resolve() / "home"
        home.mkdir()
        for folder in (home.parent, home):
            folder.chmod(0o755)  # as root, the embedded server's account must reach it
        old = OldCode(given.code.resolve(), home)
        url = old.run(old.galcat("up")).strip()
        try:
            _ingest(old)
            _label(old)
            _serve(old)
            catalogue = _dump(url)
        finally:
            old.run(old.galcat("down"))
        here = Path(__file__).parent
        (here / f"catalogue_{given.version}.sql.xz").write_bytes(
            lzma.compress(_neutral(old, catalogue).encode(), preset=lzma.PRESET_EXTREME | 9)
        )
        (here / f"dagster_{given.version}.tar.gz").write_bytes(_dagster_home(old))
        (here / f"encoder_{given.version}.json").write_text(
            json.dumps(_weights_metadata(home), indent=1) + "\n"
        )


def _ingest(old: OldCode) -> None:
    """Let Dagster's daemon find the bricks in the drop folder, and ingest them."""
    dagster, weights = old.home / "dagster", old.home / WEIGHTS
    dagster.mkdir()
    shutil.copy(old.code / "dagster_jobs" / "dagster.yaml", dagster)
    modules = {
        name: ".".join(next(old.code.glob(f"tests/*/{name}.py")).relative_to(old.code).with_suffix("").parts)
        for name in ("bricks", "small_encoder")
    }
    drop = str(old.home / "drop" / SURVEY)
    program = HELPERS.format(
        **modules, weights=str(weights), names=BRICKS, folder=drop, modified_s=MODIFIED_S
    )
    old.run(old.python("-c", program))
    (old.home / "definitions.py").write_text(DEFINITIONS.format(weights=str(weights)))
    (old.home / "workspace.yaml").write_text(WORKSPACE.format(file="definitions.py"))
    programs = Path(sys.executable).parent
    old.run([str(programs / "dagster"), "instance", "migrate"])  # makes the databases
    with old.running([str(programs / "dagster-daemon"), "run", "-w", "workspace.yaml"]):
        until = time.monotonic() + LIMIT_S
        while (states := _run_states(dagster)) != ["SUCCESS", "SUCCESS"]:
            if "FAILURE" in states or time.monotonic() > until:
                raise SystemExit(f"the runs are {states}")
            time.sleep(1)
        time.sleep(5)  # the sensor's next look finds nothing new, and says so


def _run_states(dagster: Path) -> list[str]:
    with closing(sqlite3.connect(dagster / "history" / "runs.db")) as runs:
        return [state for (state,) in runs.execute("SELECT status FROM runs")]


def _label(old: OldCode) -> None:
    """Two people label, a task is learnt, galaxies have tags, a personal search is in its second round."""

    def galcat(*words: object) -> str:
        return old.run(old.galcat(*words))

    ids = galcat("sql", "SELECT object_id FROM galcat.galaxy ORDER BY object_id", "--format", "csv").split()[
        1:
    ]
    if len(ids) != GALAXIES:
        raise SystemExit(f"{len(ids)} galaxies instead of {GALAXIES}")
    answers = ["yes" if i % 2 else "no" for i in range(GALAXIES)]
    galcat("tasks", "add", "ring", "--question", "Has it a ring?")
    for person, changed in (("ann", None), ("bob", 0)):
        table = old.home / f"{person}.csv"
        said = [("yes" if i == changed else answer) for i, answer in enumerate(answers)]
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("object_id", "ring"), *zip(ids, said, strict=True)])
        galcat("label", "ring", table, "--answers", "ring", "--labeller", person)
    galcat("tasks", "say", "ring", f"{ids[2]}=yes", "--labeller", "ann")  # she thinks again
    galcat("finetune", "ring")
    galcat("tasks", "add", "kind", "--question", "What is it?", "--classes", "disk,ball,other")
    galcat("tag", "diffuse", *ids[:3], "--labeller", "ann")
    galcat("tag", "diffuse", ids[1], "--withdraw", "--labeller", "ann")
    galcat("anomalies", "new", "odd")
    galcat("anomalies", "next", "odd", "--sheet", old.home / "next.png")
    offered = galcat(
        "sql", "SELECT object_id FROM galcat.interest_offer ORDER BY place", "--format", "csv"
    ).split()[1:]
    galcat("anomalies", "rate", "odd", *(f"{one}={i / 2}" for i, one in enumerate(offered)))
    galcat("anomalies", "next", "odd", "--sheet", old.home / "next.png")
    galcat("anomalies", "column", "odd")


def _serve(old: OldCode) -> None:
    """One query of a stranger runs as a job of the service."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tap = f"http://127.0.0.1:{port}/tap"
    with old.running(old.galcat("serve", "--port", port)):
        until = time.monotonic() + LIMIT_S

        def say(path: str, **parameters: str) -> httpx.Response:
            while True:
                try:
                    if parameters:
                        return httpx.post(tap + path, data=parameters, timeout=LIMIT_S).raise_for_status()
                    return httpx.get(tap + path, timeout=LIMIT_S).raise_for_status()
                except httpx.ConnectError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.5)

        say("/availability")
        query = "SELECT object_id, ra, dec FROM galcat.galaxy"
        made = httpx.post(
            f"{tap}/async", data={"LANG": "ADQL", "QUERY": query, "RUNID": "old", "PHASE": "RUN"}, timeout=60
        )
        job = made.headers["location"].removeprefix(tap)
        while (phase := say(f"{job}/phase").text) != "COMPLETED":
            if phase in {"ERROR", "ABORTED"} or time.monotonic() > until:
                raise SystemExit(f"the job is {phase}")
            time.sleep(0.2)


def _dump(url: str) -> str:
    """The whole database as SQL that any client sends; roles belong to the cluster and are not in there."""
    command = [str(package_programs() / "pg_dump"), "--inserts", "--rows-per-insert=50", url]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.sub(r"(?m)^(\\(un)?restrict .*|SET transaction_timeout = 0;)\n", "", text)  # of psql; of 17 on


def _weights_metadata(home: Path) -> dict[str, str]:
    """What the head of the weights file says: later code may write another head over the same numbers."""
    whole = (home / WEIGHTS).read_bytes()
    head = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    return dict(head["__metadata__"])


def _dagster_home(old: OldCode) -> bytes:
    """The instance's configuration and databases, as a compressed archive."""
    dagster = old.home / "dagster"
    kept = [dagster / "dagster.yaml", *sorted(dagster.rglob("*.db"))]
    for path in kept[1:]:
        with closing(sqlite3.connect(path)) as database:
            _neutralise(old, database)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in kept:
            entry = tarfile.TarInfo(path.relative_to(dagster).as_posix())
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(entry, file)
    return gzip.compress(packed.getvalue(), mtime=0)


def _neutralise(old: OldCode, database: sqlite3.Connection) -> None:
    def neutral(value: str | bytes) -> str | bytes:
        if isinstance(value, str):
            return _neutral(old, value)
        return zlib.compress(_neutral(old, zlib.decompress(value).decode()).encode())  # a snapshot of a job

    database.create_function("neutral", 1, neutral)
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for _, column, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
            database.execute(
                f'UPDATE "{table}" SET "{column}" = neutral("{column}") '
                f"WHERE typeof(\"{column}\") IN ('text', 'blob')"
            )
    database.commit()
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("VACUUM")


def _neutral(old: OldCode, text: str) -> str:
    """A text without the places of this machine."""
    places = {"home": str(old.home), "code": str(old.code), "python": sys.prefix}
    for name, place in places.items():
        text = text.replace(place, PLACES[name])
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/\w+", PLACES["socket"], text)
    return text.replace(socket.gethostname(), "machine")


if __name__ == "__main__":
    main()
