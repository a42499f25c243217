"""What tests of the jobs share: a small encoder, a drop folder, and the resources that name both."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource, EncoderResource
from tests.dagster_jobs.command_line import Galcat
from tests.dagster_jobs.small_encoder import write_small_encoder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights file of a small encoder."""
    return write_small_encoder(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """An empty drop folder."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that forgets everything."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


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
def galcat(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Galcat:
    """The command line over a fresh catalogue."""
    return Galcat(database, tmp_path, capsys, monkeypatch)
