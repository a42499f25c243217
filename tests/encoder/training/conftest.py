"""A configuration small enough to be trained in seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.encoder.evaluation.made_efigi import write_efigi
from tests.encoder.training.small_runs import write_configuration


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def efigi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_efigi(tmp_path_factory.mktemp("efigi"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated pictures that every run shares."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def configuration(tmp_path: Path, efigi: Path, cache: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "cache").symlink_to(cache)
    return write_configuration(tmp_path / "run.toml", folder, efigi)
