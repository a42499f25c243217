"""Cones and a cross-match beside q3c and pgsphere: one PostgreSQL 15, the same rows, counts compared.

Needs Debian's postgresql-15-q3c and postgresql-15-pgsphere (`apt-get install`), and root, which starts the
server as the account `postgres`. Without them it says so and ends.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.grown_catalogue import sky
from catalog.database.binary_copy import copy_columns
from catalog.database.sql_files import sql_files

BIN = Path("/usr/lib/postgresql/15/bin")
EXTENSIONS = Path("/usr/share/postgresql/15/extension")
ROWS = 1_000_000
MATCHED = 100_000
PLACES = 41
RADII = {'2"': 2 / 3600, "0.1 deg": 0.1, "1 deg": 1.0, "5 deg": 5.0}
CONES = {
    "galcat": "galcat.cone(ra, dec, {ra}, {dec}, {radius})",
    "q3c": "q3c_radial_query(ra, dec, {ra}, {dec}, {radius})",
    "pgsphere": "place <@ scircle(spoint(radians({ra}), radians({dec})), radians({radius}))",
}
JOINS = {
    "galcat": "galcat.cone(s.ra, s.dec, l.ra, l.dec, {radius})",
    "q3c": "q3c_join(l.ra, l.dec, s.ra, s.dec, {radius})",
    "pgsphere": "s.place <@ scircle(l.place, radians({radius}))",
}
INDEXES = {
    "galcat": "CREATE INDEX sky_galcat ON sky USING gist (point(ra, dec))",
    "q3c": "CREATE INDEX sky_q3c ON sky (q3c_ang2ipix(ra, dec))",
    "pgsphere": "CREATE INDEX sky_pgsphere ON sky USING gist (place)",
}


def main() -> None:
    """Print the tables."""
    missing = [name for name in ("q3c", "pg_sphere") if not (EXTENSIONS / f"{name}.control").is_file()]
    if missing:
        packages = "postgresql-15-q3c postgresql-15-pgsphere"
        print(f"left out: no {' and no '.join(missing)} (apt-get install {packages})")
        return
    with _server() as url, psycopg.connect(url, autocommit=True) as connection:
        _load(connection)
        _cones(connection)
        _join(connection)


@contextmanager
def _server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="galcat-peers-"))
    shutil.chown(folder, "postgres")
    data = folder / "data"
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=1GB -c jit=off"
    settings += " -c work_mem=64MB -c maintenance_work_mem=512MB -c random_page_cost=1.1 -c fsync=off"
    try:
        _as_postgres("initdb", "-D", str(data), "-A", "trust")
        _as_postgres("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", settings, "start")
        yield f"host={folder} user=postgres dbname=postgres"
    finally:
        _as_postgres("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _as_postgres(program: str, *arguments: str) -> None:
    command = ["runuser", "-u", "postgres", "--", str(BIN / program), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _load(connection: psycopg.Connection) -> None:
    connection.execute("CREATE EXTENSION q3c; CREATE EXTENSION pg_sphere; CREATE SCHEMA galcat")
    (ours,) = [file for file in sql_files() if file.name == "110_sky.sql"]
    connection.execute(ours.text.encode())
    rng = np.random.default_rng(5)
    ra, dec = sky(ROWS, rng)
    connection.execute("CREATE TABLE sky (object_id bigint, ra float8, dec float8)")
    connection.execute("CREATE TABLE list (ra float8, dec float8)")
    with connection.transaction(), connection.cursor() as cursor:
        numbers = np.arange(ROWS, dtype=np.int64)
        copy_columns(cursor, sql.SQL("sky"), {"object_id": numbers, "ra": ra, "dec": dec})
        near = rng.choice(ROWS, MATCHED, replace=False)
        shifted = dec[near] + rng.uniform(-1.5, 1.5, MATCHED) / 3600
        copy_columns(cursor, sql.SQL("list"), {"ra": ra[near], "dec": shifted})
    for table in ("sky", "list"):  # a spoint has no binary form to copy
        statement = (
            "ALTER TABLE {0} ADD COLUMN place spoint; "
            "UPDATE {0} SET place = spoint(radians(ra), radians(dec))"
        )
        connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
    for name, statement in INDEXES.items():
        start = time.perf_counter()
        connection.execute(statement.encode())
        built = time.perf_counter() - start
        row = connection.execute("SELECT pg_relation_size(%s) / 1e6", [f"sky_{name}"]).fetchone()
        assert row is not None
        print(f"index of {name:9} {row[0]:5.0f} MB, built in {built:4.1f} s")
    connection.execute("VACUUM FULL ANALYZE sky")
    connection.execute("VACUUM ANALYZE list")


def _cones(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(6)
    centres = connection.execute("SELECT ra, dec FROM sky ORDER BY object_id LIMIT %s", [PLACES]).fetchall()
    places = [(ra + rng.normal(0, 1e-4), dec + rng.normal(0, 1e-4)) for ra, dec in centres]
    print(f"\ncones over {ROWS} galaxies, 1,000 square degrees, a third in clusters; ms, median of {PLACES}")
    print(f"{'':9}" + "".join(f"{name:>10}" for name in RADII))
    counts: dict[str, list[int]] = {}
    for name, condition in CONES.items():
        line = []
        for radius in RADII.values():
            times = []
            for round_ in range(2):  # the first warms the pages
                for ra, dec in places:
                    where = condition.format(ra=repr(float(ra)), dec=repr(float(dec)), radius=repr(radius))
                    start = time.perf_counter()
                    row = connection.execute(f"SELECT count(*) FROM sky WHERE {where}".encode()).fetchone()
                    times.append(time.perf_counter() - start)
                    assert row is not None
                    if round_:
                        counts.setdefault(name, []).append(int(row[0]))
            line.append(statistics.median(times[PLACES:]) * 1000)
        print(f"{name:9}" + "".join(f"{ms:10.2f}" for ms in line), flush=True)
    total = len(counts["galcat"])
    for name in ("q3c", "pgsphere"):
        same = sum(a == b for a, b in zip(counts["galcat"], counts[name], strict=True))
        print(f"the same count as {name}: {same} of {total}")


def _join(connection: psycopg.Connection) -> None:
    print(f'\ncross-match of {MATCHED} positions with {ROWS} galaxies at 1"')
    for name, condition in JOINS.items():
        query = f"SELECT count(*) FROM list AS l JOIN sky AS s ON {condition.format(radius=repr(1 / 3600))}"
        times = []
        for _ in range(3):
            start = time.perf_counter()
            row = connection.execute(query.encode()).fetchone()
            times.append(time.perf_counter() - start)
        assert row is not None
        print(f"{name:9} {statistics.median(times):6.2f} s, {row[0]} pairs", flush=True)


if __name__ == "__main__":
    main()
