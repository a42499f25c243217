"""The list of sums of a survey chooses a sum for a file, and nothing else."""

import pytest

from galcat.errors import WorkflowError
from galcat.workflows.fetch.plan import find_sum

PATH = "coadd/000/0001m002/a.fits"
ONE, TWO = "1" * 64, "2" * 64


@pytest.mark.parametrize(
    "name",
    [PATH, "a.fits", "./0001m002/a.fits", f"/global/dr10/{PATH}", "../../etc/a.fits"],
)
def test_a_file_is_found_by_its_name_whatever_folders_the_list_has(name: str) -> None:
    assert find_sum({"b.fits": TWO, name: ONE}, PATH, "url") == ONE


def test_of_several_files_of_one_name_the_folders_tell() -> None:
    sums = {"old/0001m002/a.fits": TWO, "coadd/000/0001m002/a.fits": ONE, "a.fits": TWO}
    assert find_sum(sums, PATH, "url") == ONE
    assert find_sum({"x/a.fits": ONE, "y/a.fits": ONE}, PATH, "url") == ONE
    with pytest.raises(WorkflowError, match=r"^url: the survey's list of sums has several for a\.fits$"):
        find_sum({"x/a.fits": ONE, "y/a.fits": TWO}, PATH, "url")


def test_a_file_that_is_not_listed_has_no_sum() -> None:
    assert find_sum({"coadd/000/0001m002/ba.fits": ONE}, PATH, "url") is None
