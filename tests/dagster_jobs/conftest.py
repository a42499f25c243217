"""What tests of the jobs share: a Dagster instance, and resources that name a catalogue and an encoder."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.defs_state.base import DefsStateStorage

from dagster_jobs.defs.alarms import AlarmResource
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource
from tests.galcat.conftest import drop, galcat, weights

__all__ = ["drop", "galcat", "weights"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What jobs keep in the home lies in a folder of the test's own."""
    monkeypatch.setenv("GALCAT_HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def no_instance_of_an_earlier_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster asks the storage of state of an instance that was closed out of turn, and has gone since.

    That may happen in mid-test, for a forgotten instance is closed when Python collects it. Our definitions
    keep no state.
    """
    monkeypatch.setattr(DefsStateStorage, "get", classmethod(lambda _: None))


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


@pytest.fixture
def resources(
    database_resource: DatabaseResource, encoder_resource: EncoderResource, tmp_path: Path
) -> dict[str, object]:
    """All of them together: a drop folder in which the test may lay tiles, and alarms as the home says."""
    return {
        "database": database_resource,
        "encoder": encoder_resource,
        "drop_folder": DropFolderResource(path=str(tmp_path / "drop")),
        "alarms": AlarmResource(),
    }
