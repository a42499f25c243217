"""An ingestion that is held in its middle, so that a test kills it in a known state and not after a time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from catalog.database.connection import connect
from tests.waiting import sessions_at_a_lock, wait_until, wait_until_alone

_KEY = 0x68656C64  # "held"


@contextmanager
def hold_after(url: str, n: int, release_id: int = 1) -> Iterator[None]:
    """Meanwhile a release takes n tiles; the transaction of the next one waits for a lock at its end.

    Args:
        url: The catalogue.
        n: Tiles that are written whole.
        release_id: The release whose tiles are counted.
    """
    with connect(url, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
            f"IF (SELECT count(*) FROM galcat.ingestion WHERE release_id = {release_id:d}) >= {n:d} "
            f"THEN PERFORM pg_advisory_xact_lock({_KEY}); END IF; RETURN NEW; END $$".encode()
        )
        owner.execute(
            "CREATE TRIGGER hold BEFORE INSERT ON galcat.ingestion FOR EACH ROW "
            f"WHEN (NEW.release_id = {release_id:d}) EXECUTE FUNCTION public.hold()".encode()
        )
        owner.execute(f"SELECT pg_advisory_lock({_KEY})".encode())
        try:
            yield
        finally:
            owner.execute(f"SELECT pg_advisory_unlock({_KEY})".encode())
            owner.execute("DROP FUNCTION public.hold() CASCADE")


def kill_when_held(
    url: str, words: list[str], said: Path, after: int, release_id: int = 1, by: int = signal.SIGKILL
) -> int:
    """Run `galcat` as a process, and end it in the transaction of a tile.

    Args:
        url: The catalogue.
        words: Words of the command line.
        said: File for what it prints, shown where it ends of itself.
        after: Tiles of the release that are written whole before.
        release_id: The release that it fills.
        by: Number of the signal; the usual one leaves it no time for a word.

    Returns:
        Its exit code.
    """
    command = [sys.executable, "-m", "galcat.cli.main", *words]
    with ExitStack() as held:
        held.enter_context(hold_after(url, after, release_id))
        with (
            said.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=output) as run,
            connect(url, autocommit=True) as connection,
        ):

            def is_held() -> bool:
                assert run.poll() is None, f"it ended before it was held:\n{said.read_text()}"
                return sessions_at_a_lock(connection) == 1

            try:
                wait_until(is_held, f"tile {after + 1}", said.read_text)
            except BaseException:
                run.kill()
                raise
            run.send_signal(by)
            if by != signal.SIGKILL:  # it waits until the database has answered
                held.close()
    wait_until_alone(url)
    return run.returncode
