"""A catalogue that was backed up is the same again on an empty server, or nothing of it is there."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalog.backup.read_in import restore
from catalog.backup.save import back_up
from catalog.backup.script import count_rows, leave_out_extension
from catalog.database.connection import connect
from catalog.database.embedded.settings import SEARCH_SETTINGS
from catalog.database.migrate import migrate, plan_migration
from catalog.database.outside import is_granted
from catalog.database.privileges import SCHEMAS
from catalog.errors import BackupError
from catalog.tasks.tasks import add_task
from tests.catalog.galaxies import fill
from tests.catalog.tasks.scored_tasks import RING
from tests.galcat.cli.command_line import Galcat
from tests.galcat.other_servers import BUNDLED, run
from tests.galcat.real_servers import Server, configure, free_port, new_server, own_folder
from tests.waiting import wait_until

GALAXIES = 60


def ignore(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def filled(database: str) -> str:
    """A catalogue with galaxies, labels, and a view and a table of a user."""
    with connect(database, autocommit=True) as connection:
        fill(connection, GALAXIES)
        add_task(connection, RING)
        connection.execute(
            "INSERT INTO galcat.label (task, object_id, answer) "
            "SELECT 'ring', object_id, 'yes' FROM galcat.source"
        )
        connection.execute("CREATE VIEW public.bright AS SELECT object_id, mag_r FROM galcat.galaxy")
        connection.execute("CREATE TABLE public.notes (note text)")
        connection.execute(
            r"INSERT INTO public.notes VALUES (E'a\tb\\n\\.\n\\.'), (NULL), ('COPY x FROM stdin;')"
        )
    return database


@pytest.fixture
def empty(server_home: Path) -> Iterator[Server]:
    """A server on which nothing was ever made."""
    with new_server(BUNDLED, server_home) as opened:
        yield opened


def read_all(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and view that people see."""
    names = ["galcat.galaxy", "galcat.current_label", "galcat.release", "galcat.tile", "galcat.embedding"]
    names += [
        "galcat.embedding_full",
        "galcat.thumbnail",
        "public.bright",
        "public.notes",
        "tap_schema.columns",
    ]
    with connect(url) as connection:
        return {
            name: sorted(
                connection.execute(
                    sql.SQL("SELECT one::text FROM {} AS one").format(sql.Identifier(*name.split(".")))
                ).fetchall(),
                key=str,
            )
            for name in names
        }


RIGHTS = """
    SELECT 'relation', c.oid::regclass::text, pg_get_userbyid(c.relowner), a.grantee::regrole::text,
        a.privilege_type
    FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace = ANY (%(schemas)s::regnamespace[])
    UNION ALL
    SELECT 'column', c.oid::regclass || '.' || t.attname, '', a.grantee::regrole::text, a.privilege_type
    FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
    WHERE c.relnamespace = ANY (%(schemas)s::regnamespace[])
    UNION ALL
    SELECT 'routine', p.oid::regprocedure::text, pg_get_userbyid(p.proowner), a.grantee::regrole::text,
        a.privilege_type
    FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = ANY (%(schemas)s::regnamespace[])
    UNION ALL
    SELECT 'schema', n.nspname, pg_get_userbyid(n.nspowner), a.grantee::regrole::text, a.privilege_type
    FROM pg_namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
    WHERE n.oid = ANY (%(schemas)s::regnamespace[])
"""


def read_rights(url: str) -> set[tuple[object, ...]]:
    """Who owns what of the catalogue, and who may do what with it."""
    with connect(url) as connection:
        return set(connection.execute(RIGHTS, {"schemas": [*SCHEMAS]}).fetchall())


def failed_checks(galcat: Galcat) -> list[str]:
    return [line for line in galcat("check").out.splitlines() if line.startswith("FAIL")]


def new_database(server: Server) -> str:
    server.run_sql("postgres", "CREATE DATABASE sky")
    return server.url("sky")


def has_nothing(url: str) -> bool:
    with connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_class "
            "WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)' "
            "AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = pg_class.oid AND d.deptype = 'e')"
        ).fetchone()
        return row == (0,) and connection.execute("SELECT to_regnamespace('galcat')").fetchone() == (None,)


def test_a_backup_is_the_same_catalogue_on_an_empty_server_and_so_is_a_copy_of_that_servers_files(
    filled: str,
    empty: Server,
    tmp_path: Path,
    server_home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with connect(filled, autocommit=True) as connection:
        connection.execute('CREATE ROLE "Lab Eller" LOGIN; GRANT galcat_labeller TO "Lab Eller"')
    before, rights = read_all(filled), read_rights(filled)
    galcat = Galcat(filled, tmp_path, capsys, monkeypatch)
    failing = failed_checks(galcat)
    (tmp_path / "nights").mkdir()
    try:
        said = galcat("backup", tmp_path / "nights", "--keep", "1")
    finally:
        with connect(filled, autocommit=True) as connection:
            connection.execute('DROP ROLE "Lab Eller"')
    (file,) = (tmp_path / "nights").iterdir()
    assert (said.code, said.out) == (0, f"{file}\n")
    assert "are not on this machine, and not in the backup: galcat release keep FILE" in said.err

    galcat.use(new_database(empty))
    said = galcat("restore", file)
    assert said.code == 0, said.err
    assert said.err.splitlines()[-1].startswith("made without a password, and cannot log in yet: ")
    assert "Lab Eller" in said.err
    assert read_all(empty.url("sky")) == before
    assert read_rights(empty.url("sky")) == rights
    assert plan_migration(empty.url("sky")) == []
    require_in_force(empty.url("sky"))
    again = galcat("restore", file)
    assert (again.code, again.err) == (
        1,
        "error: the database sky has a catalogue already (schema galcat): a backup is read into an empty "
        "database only\n",
    )

    copy = Server(empty.programs, own_folder(server_home) / "copy", empty.sockets, free_port())
    run(
        empty.programs / "pg_basebackup",
        "-d",
        empty.url("postgres"),
        "-D",
        copy.data,
        "-c",
        "fast",
        "--no-sync",
    )
    configure(copy)
    copy.start()
    try:
        assert read_all(copy.url("sky")) == before
        galcat.use(copy.url("sky"))
        assert failed_checks(galcat) == failing
    finally:
        copy.stop("immediate")


def require_in_force(url: str) -> None:
    """What no dump carries is there: roles act, settings are in force, the reader reads what is public."""
    with connect(url, autocommit=True) as connection:
        for name, value in SEARCH_SETTINGS.items():
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
        row = connection.execute("SELECT rolconfig FROM pg_roles WHERE rolname = 'galcat_public'").fetchone()
        assert row is not None
        assert {entry.split("=")[0] for entry in row[0]} == {
            "default_transaction_read_only",
            "search_path",
            "statement_timeout",
            "temp_file_limit",
        }
        connection.execute("SET ROLE galcat_public")
        assert connection.execute("SELECT count(*) FROM galcat.galaxy").fetchone() == (GALAXIES,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM galcat_tap.job")
        connection.execute("RESET ROLE; SET ROLE galcat_labeller")
        connection.execute("SELECT FROM galcat.task")


def test_a_dump_without_owners_and_grants_works_again_once_it_is_opened(filled: str, empty: Server) -> None:
    url = new_database(empty)
    with connect(filled, autocommit=True) as connection:  # partitions made since then have fewer grants
        connection.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '150%'")
    migrate(filled)
    dump = subprocess.run(
        [empty.programs / "pg_dump", "--no-owner", "--no-acl", "-d", filled], check=True, capture_output=True
    )
    subprocess.run(
        [empty.programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url],
        input=dump.stdout,
        check=True,
        capture_output=True,
    )
    with connect(url) as connection:
        assert not is_granted(connection)
    migrate(url)
    assert read_all(url) == read_all(filled)
    assert read_rights(url) == read_rights(filled)
    require_in_force(url)
    assert plan_migration(url) == []
    empty.run_sql("sky", "ALTER DATABASE sky RESET ALL", "ALTER ROLE galcat_public RESET statement_timeout")
    assert plan_migration(url) == ["001_roles.sql", "160_search_settings.sql"]
    migrate(url)
    require_in_force(url)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda text: text.replace(b'"rows": 60', b'"rows": 61'),
            "has 60 rows that are not those of the backup",
        ),
        (lambda text: text.replace(b'"format": 1', b'"format": 2'), "restore it by that version"),
        (lambda text: text.replace(b'"galcat": "', b'"galcat": "9'), "restore it by that version"),
        (lambda text: text[:-20], "does not say what it holds"),
    ],
)
def test_of_a_backup_that_is_not_what_it_says_nothing_is_restored(
    filled: str, empty: Server, tmp_path: Path, damage: object, words: str
) -> None:
    back_up(filled, tmp_path / "whole.zip", {}, ignore)
    with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        bad.writestr("catalogue.sql", whole.read("catalogue.sql"))
        bad.writestr("manifest.json", damage(whole.read("manifest.json")))  # type: ignore[operator] # one of above
    url = new_database(empty)
    with pytest.raises(BackupError, match=words):
        restore(url, tmp_path / "bad.zip", tmp_path, ignore)
    assert has_nothing(url)


def spoil_weights(content: bytes) -> bytes:
    """One byte of what is stored as it is differs."""
    return content.replace(b"kept as they are", b"kept as they ARE")


def spoil_script(content: bytes) -> bytes:
    """The first compressed block is of a kind that there is not (RFC 1951, section 3.2.3)."""
    start = 30 + int.from_bytes(content[26:28], "little") + int.from_bytes(content[28:30], "little")
    return content[:start] + b"\7" + content[start + 1 :]


@pytest.mark.parametrize("spoil", [spoil_weights, spoil_script])
def test_of_a_backup_with_one_wrong_byte_nothing_is_restored(
    filled: str, empty: Server, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    file, weights, kept = tmp_path / "a.zip", tmp_path / "weights", tmp_path / "a.safetensors"
    with pytest.raises(BackupError, match=rf"^{kept} cannot be read: No such file or directory$"):
        back_up(filled, file, {"a.safetensors": kept}, ignore)
    assert list(tmp_path.iterdir()) == []
    kept.write_bytes(b"kept as they are")
    back_up(filled, file, {"a.safetensors": kept}, ignore)
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
    assert file.read_bytes() != whole
    url = new_database(empty)
    with pytest.raises(BackupError, match=rf"^{file} is no backup of galcat, or is damaged: [^\n]+$"):
        restore(url, file, weights, ignore)
    assert has_nothing(url)
    file.write_bytes(whole)
    shutil.rmtree(weights, ignore_errors=True)
    weights.touch()
    with pytest.raises(BackupError, match=rf"^{weights}: the backup's weights cannot be written there"):
        restore(url, file, weights, ignore)
    assert has_nothing(url)


def test_a_cut_off_or_foreign_file_is_refused_and_names_itself(
    filled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    galcat = Galcat(filled, tmp_path, capsys, monkeypatch)
    file = tmp_path / "a.zip"
    assert galcat("backup", file).code == 0
    assert galcat("backup", file).err == f"error: {file} is there already: name another file\n"
    file.write_bytes(file.read_bytes()[:-200])
    said = galcat("restore", file)
    assert (said.code, said.err.startswith(f"error: {file} is no backup of galcat, or is damaged")) == (
        1,
        True,
    )
    assert (
        galcat("restore", tmp_path / "no").err
        == f"error: {tmp_path / 'no'} cannot be read: No such file or directory\n"
    )
    assert galcat("backup", tmp_path / "no" / "a").err == (
        f"error: {tmp_path / 'no' / 'a'} cannot be written: No such file or directory\n"
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from catalog.backup.read_in import restore
def tell(what, done, total):
    if what.startswith(sys.argv[3]) and done >= min(total, 60) * (what[0] == "r"):
        os.kill(os.getpid(), signal.SIGKILL)
restore(sys.argv[1], Path(sys.argv[2]), Path("."), tell)
"""


@pytest.mark.kills
@pytest.mark.parametrize("moment", ["reading", "building"])
def test_of_a_restore_that_was_killed_nothing_is_to_be_seen(
    filled: str, empty: Server, tmp_path: Path, moment: str
) -> None:
    back_up(filled, tmp_path / "whole.zip", {}, ignore)
    url = new_database(empty)
    words = [sys.executable, "-c", KILLED, url, str(tmp_path / "whole.zip"), moment]
    done = subprocess.run(words, check=False, capture_output=True, cwd=Path(__file__).parents[2])
    assert done.returncode == -9, done.stderr
    with psycopg.connect(empty.url("postgres"), autocommit=True) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'sky'"
        wait_until(lambda: admin.execute(query).fetchone() == (0,))
    assert has_nothing(url)
    restore(url, tmp_path / "whole.zip", tmp_path, ignore)
    assert read_all(url) == read_all(filled)


def test_rows_are_counted_and_passed_on_whatever_they_hold() -> None:
    script = [
        b"SET transaction_timeout = 0;\n",
        b"CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;\n",
        b"COPY a.b (c) FROM stdin;\n",
        b"CREATE EXTENSION IF NOT EXISTS vector \n",
        b"COPY a.b (c) FROM stdin;\n",
        b"\\\\.\n",
        b"\\.\n",
        b"SELECT 1;\n",
    ]
    told: list[int] = []
    assert list(count_rows(leave_out_extension(script), told.append, every=2)) == script[2:]
    assert told == [2, 1]
