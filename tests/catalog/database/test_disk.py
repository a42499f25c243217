"""Where the database lies is known of a server of this machine alone, by a login to which it says so."""

import shutil
from pathlib import Path

import psycopg

from catalog.database.disk import find_data_folder, find_database_bytes, find_free_bytes
from tests.galcat.other_servers import BUNDLED
from tests.galcat.real_servers import new_server
from tests.other_logins import session_in_role


def test_the_data_folder_is_found_by_the_socket_and_by_who_may_see_settings(server_home: Path) -> None:
    with new_server(BUNDLED, server_home, needs_pgvector=False) as server:
        with psycopg.connect(server.url("postgres")) as owner:
            assert find_data_folder(owner) == server.data
            free, wanted = find_free_bytes(owner), shutil.disk_usage(server.data).free
            assert free is not None
            assert abs(free - wanted) < 0.05 * wanted
        with psycopg.connect(server.tcp_url("postgres", "postgres")) as far:
            assert (find_data_folder(far), find_free_bytes(far)) == (None, None)


def test_a_login_that_sees_no_settings_learns_no_folder_but_the_size(database: str) -> None:
    with session_in_role(database, "galcat_writer") as writer:
        assert find_data_folder(writer) is None
        oid = writer.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        size = find_database_bytes(writer)
    with psycopg.connect(database) as owner:
        folder = find_data_folder(owner)
        assert folder is not None
        assert oid is not None
        files = (folder / "base" / str(oid[0])).iterdir()
        assert abs(sum(file.stat().st_size for file in files) - size) < 0.05 * size
