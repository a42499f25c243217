"""A catalogue for one benchmark: its own durable server in a temporary folder, removed afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.database.embedded.account import find_base
from catalog.database.embedded.server import down, up
from catalog.database.migrate import migrate


@contextmanager
def catalogue() -> Iterator[str]:
    """URL of an empty catalogue with the settings of a real one."""
    home = Path(tempfile.mkdtemp(prefix="galcat-benchmark-"))
    home.chmod(0o755)  # as root, the server's account must reach it
    try:
        url = up(home)
        migrate(url)
        yield url
    finally:
        base = find_base(home)
        down(home)
        for folder in {base, home}:
            shutil.rmtree(folder, ignore_errors=True)
