"""One process at a time has a file, also where it is renamed or removed when the work is done."""

from pathlib import Path

from catalog.file_lock import lock_alone


def test_one_alone_has_a_file_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "half"
    with path.open("a") as first, path.open("a") as second:
        assert lock_alone(first, path)
        assert not lock_alone(second, path)
    with path.open("a") as third:
        assert lock_alone(third, path)


def test_whoever_opened_a_file_before_it_was_whole_does_not_get_it_later(tmp_path: Path) -> None:
    path = tmp_path / "half"
    with path.open("a") as late:
        with path.open("a") as first:
            assert lock_alone(first, path)
            path.rename(tmp_path / "whole")
        assert not lock_alone(late, path)  # it is gone
    with path.open("a") as late:
        path.unlink()
        path.touch()
        assert not lock_alone(late, path)  # it is another
