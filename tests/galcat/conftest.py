"""What tests of command line and workflows share: a small encoder, a drop folder, the command line."""

from pathlib import Path

import pytest

from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder


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
def galcat(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Galcat:
    """The command line over a fresh catalogue."""
    return Galcat(database, tmp_path, capsys, monkeypatch)
