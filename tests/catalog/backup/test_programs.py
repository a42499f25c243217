"""The machine's newest Postgres programs are taken, whatever else lies among its versions."""

from pathlib import Path

import pytest

from catalog.backup import programs
from catalog.backup.programs import find_program


def test_the_newest_version_is_taken_and_other_folders_are_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.6", "15", "9.10", "17", "backup", "17.old", "."):
        (tmp_path / version / "bin").mkdir(parents=True, exist_ok=True)
        (tmp_path / version / "bin" / "pg_dump").touch()
    monkeypatch.setattr(programs, "_MACHINES", tmp_path)
    url = "postgresql://h/d?sslmode=require"  # the embedded server's own programs know no TLS
    assert find_program("pg_dump", url) == tmp_path / "17" / "bin" / "pg_dump"
    for version in ("17", "15"):
        (tmp_path / version / "bin" / "pg_dump").unlink()
    assert find_program("pg_dump", url) == tmp_path / "9.10" / "bin" / "pg_dump"
