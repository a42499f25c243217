"""What tests of the jobs share: a Dagster instance, and resources that name a catalogue and an encoder."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource
from tests.galcat.conftest import drop, galcat, weights

__all__ = ["drop", "galcat", "weights"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What jobs keep in the home lies in a folder of the test's own."""
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that forgets everything."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def instance_on_disk() -> Iterator[dg.DagsterInstance]:
    """One that sensors and schedules, which open it anew, find again."""
    with dg.instance_for_test() as on_disk:
        yield on_disk


@pytest.fixture
def database_resource(database: str) -> DatabaseResource:
    """A fresh catalogue."""
    return DatabaseResource(url=database)


@pytest.fixture
def encoder_resource(weights: Path) -> EncoderResource:
    """The small encoder."""
    return EncoderResource(weights=str(weights))


@pytest.fixture
def drop_resource(drop: Path) -> DropFolderResource:
    """The empty drop folder."""
    return DropFolderResource(path=str(drop))
