"""The run of mutmut over a package of two functions: what a test notices, what none does, and going on."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from scipy.stats import binomtest

from tests.mutation import Score, Target, draw, list_faults, prepare, report, try_all

CODE = """
def double(number):
    return 2 * number


def greet(name):
    return "hello " + name
"""
TESTS = """
from table_files.sums import double, greet


def test_double():
    assert double(3) == 6


def test_greet():
    assert greet("you")
"""
TARGET = Target("sums", "table_files/*", ("tests/sums",))
ROOT = Path(__file__).resolve().parents[1]


def checkout(folder: Path) -> Path:
    """A checkout with one module and its tests."""
    for file, text in (("table_files/sums.py", CODE), ("tests/sums/test_sums.py", TESTS)):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text)
    (folder / "table_files" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "tests" / "cheapest_first.py", folder / "tests")
    return folder


def test_a_fault_that_no_test_notices_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    prepare(TARGET, checkout(tmp_path / "source"), folder)
    assert try_all(folder) == 0
    assert report(folder) == Score(noticed=3, survived=2, untried=0)
    listed = (folder / "survivors.txt").read_text().splitlines()
    assert listed[0].startswith("# See one by: cd ")
    assert [line.partition(": ")[0] for line in listed[1:]] == ["survived"] * 2
    assert all("greet" in line for line in listed[1:])


@pytest.mark.long  # in small: the test before it
def test_faults_are_tried_again_when_a_test_has_changed_and_not_before(tmp_path: Path) -> None:
    source, folder = checkout(tmp_path / "source"), tmp_path / "work"
    prepare(TARGET, source, folder)
    assert try_all(folder) == 0
    results = folder / "mutants" / "table_files" / "sums.py.meta"
    kept = results.read_bytes()
    prepare(TARGET, source, folder)
    assert results.read_bytes() == kept
    test = source / "tests" / "sums" / "test_sums.py"
    test.write_text(TESTS.replace('assert greet("you")', 'assert greet("you") == "hello you"'))
    prepare(TARGET, source, folder)
    assert not results.exists()
    drawn = draw(list_faults(folder), 2, seed=0)
    assert try_all(folder, drawn) == 0
    assert report(folder, drawn) == Score(noticed=2, survived=0, untried=0)
    assert report(folder) == Score(noticed=2, survived=0, untried=3)


def test_a_draw_is_even_and_gives_each_fault_the_same_chance() -> None:
    names = [str(i) for i in range(10)]
    assert draw(names, 10, seed=1) == names
    assert draw(names, 3, seed=5) == draw(names, 3, seed=5)
    drawn = Counter(name for seed in range(2_000) for name in draw(names, 3, seed))
    assert all(len(set(draw(names, 3, seed))) == 3 for seed in range(50))
    assert [drawn[name] / 2_000 for name in names] == pytest.approx([0.3] * 10, abs=0.05)


def test_the_interval_of_a_sample_is_wilsons() -> None:
    assert Score(85, 15, 0).interval == pytest.approx(binomtest(85, 100).proportion_ci(method="wilson"))
    assert Score(0, 0, 5).interval == (0, 1)


def test_enough_is_what_was_tried_to_its_end_and_noticed() -> None:
    assert not Score(0, 0, 1).is_enough
    assert Score(85, 15, 0).is_enough
    assert not Score(84, 16, 0).is_enough
