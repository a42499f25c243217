"""Numbers of the last batch stand for its galaxies, and nothing else is taken for one."""

from pathlib import Path

import pytest

from galcat.cli.last_batch import find_in_batch, keep_batch
from galcat.errors import WorkflowError

BIG = 1187327949861998747


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_number_is_the_galaxy_of_the_last_batch_of_its_task() -> None:
    keep_batch("ring", [BIG, 5])
    keep_batch("odd", [7])
    keep_batch("ring", [5, BIG])
    assert [find_in_batch("ring", 1), find_in_batch("ring", 2), find_in_batch("odd", 1)] == [5, BIG, 7]


def test_object_ids_and_numbers_before_the_first_batch_are_themselves(home: Path) -> None:
    assert find_in_batch("ring", 3) == 3
    keep_batch("ring", [5])
    assert find_in_batch("ring", BIG) == BIG
    (home / "last_batches.json").write_text("broken")
    assert find_in_batch("ring", 1) == 1


def test_a_number_that_the_batch_has_not_is_named() -> None:
    keep_batch("ring", [5, 6])
    with pytest.raises(WorkflowError, match="3 is no object_id, and the last batch of ring has 1 to 2"):
        find_in_batch("ring", 3)
