"""An installed galcat finds its SQL, its surveys and its weights: they are inside the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

from catalog.database.sql_files import sql_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_holds_every_file_that_is_read_at_run_time(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("galcat-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {f"catalog/sql/{file.name}" for file in sql_files()}
    for folder, pattern in (
        ("encoder/surveys", "*.toml"),
        ("encoder/trees", "*"),
        ("encoder/configs", "*.toml"),
        ("encoder/weights", "*"),
        ("galcat/cli", "*.sql"),
        ("catalog/web/templates", "*.html"),
        ("catalog/web/static", "*"),
        ("dagster_jobs", "*.yaml"),
    ):
        found = {str(path.relative_to(ROOT)) for path in (ROOT / folder).glob(pattern)}
        assert found, folder
        wanted |= found
    assert wanted <= held
    assert not any(name.startswith(("sql/", "tests/")) for name in held)
