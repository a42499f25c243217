"""The run of mutmut over a package of two functions: what a test notices, what none does, and going on."""

import shutil
from pathlib import Path

from tests.mutation import Score, Target, prepare, report, try_all

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
    return folder


def test_a_fault_that_no_test_notices_is_listed_and_is_tried_again_when_a_test_has_changed(
    tmp_path: Path,
) -> None:
    source, folder = checkout(tmp_path / "source"), tmp_path / "work"
    prepare(TARGET, source, folder)
    assert try_all(folder) == 0
    assert report(folder) == Score(noticed=3, survived=2, untried=0)
    listed = (folder / "survivors.txt").read_text().splitlines()
    assert listed[0].startswith("# See one by: cd ")
    assert [line.partition(": ")[0] for line in listed[1:]] == ["survived"] * 2
    assert all("greet" in line for line in listed[1:])

    results = folder / "mutants" / "table_files" / "sums.py.meta"
    kept = results.read_bytes()
    prepare(TARGET, source, folder)
    assert results.read_bytes() == kept
    test = source / "tests" / "sums" / "test_sums.py"
    test.write_text(TESTS.replace('assert greet("you")', 'assert greet("you") == "hello you"'))
    prepare(TARGET, source, folder)
    assert not results.exists()
    assert not Score(0, 0, 1).is_enough
    assert Score(85, 15, 0).is_enough
    assert not Score(84, 16, 0).is_enough
