"""Where the SQL lives: beside the code in a checkout, inside the package in a wheel."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from catalog.errors import SchemaError

FIRST_AFTER_TABLES = 100


@dataclass(frozen=True)
class SqlFile:
    """One file of `sql/`, named relative to that folder."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """The SQL itself."""
        return self.path.read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        """Hex digest of the text."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def is_migration(self) -> bool:
        """True for a file that is applied once and never changes."""
        return self.name.startswith("migrations/")


def sql_folder() -> Path:
    """Find the folder of SQL files.

    Returns:
        The packaged copy when there is one, else the checkout's `sql/`: an editable install has only that.

    Raises:
        SchemaError: neither is there; the installation is damaged.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parent / "sql"):
        if (folder / "migrations").is_dir():
            return folder
    raise SchemaError(f"no sql/ folder in {package} or beside it: install galcat again")


def sql_files() -> list[SqlFile]:
    """List every SQL file in the order in which it is applied.

    Returns:
        Re-runnable files below number 100, then the migrations, then the other re-runnable files.
    """
    folder = sql_folder()
    rerunnable = [SqlFile(path.name, path) for path in sorted(folder.glob("[0-9]*.sql"))]
    migrations = [
        SqlFile(f"migrations/{path.name}", path)
        for path in sorted((folder / "migrations").glob("[0-9]*.sql"))
    ]
    before = [file for file in rerunnable if _number(file) < FIRST_AFTER_TABLES]
    after = [file for file in rerunnable if _number(file) >= FIRST_AFTER_TABLES]
    return before + migrations + after


def _number(file: SqlFile) -> int:
    return int(file.name.split("_", 1)[0])
