"""The recovery drill asks for a folder, and makes none before it knows its name."""

import pytest

from tests.recovery.__main__ import read_arguments


def test_help_is_help_and_numbers_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(["--help"])
    assert ended.value.code == 0
    assert "places to recover at (300)" in capsys.readouterr().out
    for wrong in ([], ["folder", "many"], ["--afresh", "folder"]):
        with pytest.raises(SystemExit) as ended:
            read_arguments(wrong)
        assert ended.value.code == 2
    asked = read_arguments(["folder", "7"])
    assert (str(asked.folder), asked.instants, asked.kills) == ("folder", 7, 20)
