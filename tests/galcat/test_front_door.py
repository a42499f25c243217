"""What others may import: the names, that they are lazy, and the examples of docs/api.md."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import galcat
from catalog.database.connection import connect
from tests.catalog.galaxies import fill

API = Path(__file__).resolve().parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", API.read_text(encoding="utf-8"), re.DOTALL)


def test_every_name_of_the_front_door_is_there_and_in_its_documentation() -> None:
    text = API.read_text(encoding="utf-8")
    assert dir(galcat) == sorted(galcat.__all__)
    for name in galcat.__all__:
        assert getattr(galcat, name) is not None
        assert f"`{name}`" in text
    assert galcat.__version__ == metadata.version("galcat")
    for error in (galcat.CatalogError, galcat.EncoderError, galcat.WorkflowError):
        assert issubclass(error, Exception)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'galcat' has no attribute 'nosuch'"):
        galcat.nosuch  # noqa: B018 - its lookup is the test


def test_a_former_name_is_the_same_class_and_warns() -> None:
    with pytest.warns(DeprecationWarning, match=r"galcat\.JobError is now galcat\.WorkflowError"):
        former = galcat.JobError
    assert former is galcat.WorkflowError


def test_the_type_checker_of_every_commit_reads_how_others_use_the_names() -> None:
    mypy = tomllib.loads((API.parents[1] / "pyproject.toml").read_text())["tool"]["mypy"]
    assert mypy["modules"] == ["tests.galcat.typed_front_door"]
    assert mypy["strict"]  # an ignore that nothing needs is an error
    used = Path(__file__).with_name("typed_front_door.py").read_text()
    assert "assert_type(galcat.__version__, str)\n" in used
    assert "wrong: int = galcat.Search(like=(1,))  # type: ignore[assignment]\n" in used


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_documentation_runs(
    number: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database, autocommit=True) as connection:
        fill(connection, 30)
    monkeypatch.setenv("GALCAT_DATABASE_URL", database)
    names: dict[str, object] = {}
    exec(compile(EXAMPLES[number], f"{API.name}, example {number + 1}", "exec"), names)  # noqa: S102 - ours
    results = {
        "similar": lambda frame: len(frame) == 10,
        "more_of_the_same": lambda found: len(found) == 5,
        "answers": lambda both: len(both[0]) >= len(both[1]),
        "reason": lambda line: 'column "nosuch" does not exist' in line,
        "found": lambda found: found.vectors.shape[0] == 2 if hasattr(found, "vectors") else True,
    }
    checked = [check(names[name]) for name, check in results.items() if name in names]
    assert checked
    assert all(checked)
