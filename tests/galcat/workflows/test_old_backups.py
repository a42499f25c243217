"""Which files of a folder of backups go when a new backup is whole."""

import fcntl
from pathlib import Path

from galcat.workflows.backup import choose_file, remove_old_backups

NIGHTS = [f"galcat-203105{day:02}T020000Z.zip" for day in range(1, 6)]
OTHERS = ["galcat-20310501T020000Z.zip.bak", "galcat-1-before-T2Z.zip", "notes.txt"]
KILLED, RUNNING, FOREIGN = ".galcat-20310501T010000Z.zip.part", ".galcat-20310505T030000Z.zip.part", ".a.part"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_oldest_go_with_what_killed_ones_left_and_nothing_else(tmp_path: Path) -> None:
    for name in (*NIGHTS, *OTHERS, KILLED, RUNNING, FOREIGN):
        (tmp_path / name).touch()
    with (tmp_path / RUNNING).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        removed = remove_old_backups(tmp_path, 2, tmp_path / NIGHTS[-1])
    assert removed == [tmp_path / name for name in NIGHTS[:3]]
    assert names(tmp_path) == {*NIGHTS[3:], *OTHERS, RUNNING, FOREIGN}
    assert remove_old_backups(tmp_path, None, tmp_path / NIGHTS[-1]) == []
    assert names(tmp_path) == {*NIGHTS[3:], *OTHERS, FOREIGN}


def test_the_backup_that_was_just_made_stays_where_the_clock_was_wrong_before(tmp_path: Path) -> None:
    for name in NIGHTS:
        (tmp_path / name).touch()
    made = tmp_path / "galcat-20301231T020000Z.zip"
    made.touch()
    assert remove_old_backups(tmp_path, 1, made) == [tmp_path / name for name in NIGHTS]
    assert names(tmp_path) == {made.name}
    assert choose_file(made) == made
