"""Limits of the service as an operator sets them: usual where nothing is said, refused where wrong."""

from dataclasses import asdict
from pathlib import Path

import pytest

from catalog.errors import SettingsError
from catalog.tap.limit_settings import read_limits
from catalog.tap.limits import ServiceLimits


def test_a_variable_comes_before_the_file_and_all_else_is_as_usual(tmp_path: Path) -> None:
    assert read_limits(tmp_path, {"GALCAT_LIMIT_ROWS": "", "GALCAT_HOME": "x"}) == ServiceLimits()
    (tmp_path / "limits.toml").write_text("rows = 50\nsync_seconds = 5\nqueue_seconds = 1.5\n")
    given = read_limits(tmp_path, {"GALCAT_LIMIT_SYNC_SECONDS": "7"})
    wanted = asdict(ServiceLimits()) | {"rows": 50, "sync_seconds": 7, "queue_seconds": 1.5}
    assert asdict(given) == wanted
    assert isinstance(given.rows, int)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ROWS", "many", r"^GALCAT_LIMIT_ROWS is 'many': expected a whole number above 0$"),
        ("ROWS", "0", r"^GALCAT_LIMIT_ROWS is '0': expected a whole number above 0$"),
        ("ROWS", "1.5", r"^GALCAT_LIMIT_ROWS is '1\.5': expected a whole number above 0$"),
        ("QUEUE_SECONDS", "inf", r"^GALCAT_LIMIT_QUEUE_SECONDS is 'inf': expected a number above 0$"),
        ("ROW", "5", r"^GALCAT_LIMIT_ROW: no limit is called row; there are sync_seconds, "),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_limits(tmp_path, {f"GALCAT_LIMIT_{name}": value})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rows = true", r"limits\.toml: rows is True: expected a whole number above 0$"),
        ("rows = 1.5", r"limits\.toml: rows is 1\.5: expected a whole number above 0$"),
        ("rows = [1]", r"limits\.toml: rows is \[1\]: expected a whole number above 0$"),
        ("rows", r"limits\.toml: "),
        ("seconds = 1", r"limits\.toml: seconds: no limit is called seconds; "),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_key(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "limits.toml").write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_limits(tmp_path, {})
