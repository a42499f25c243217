"""A configuration small enough to be trained in seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from rich.progress import Progress

from encoder.training.train import train
from tests.encoder.evaluation.made_efigi import write_efigi
from tests.encoder.training.small_runs import new_configuration


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


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory, efigi: Path, cache: Path) -> Path:
    """The weights that the configuration gives as it stands, beside what its run wrote; only to be read."""
    home = tmp_path_factory.mktemp("plain")
    threads = torch.get_num_threads()
    with Progress(disable=True) as progress:
        weights = train(new_configuration(home, efigi, cache), progress)
    torch.set_num_threads(threads)
    return weights


@pytest.fixture
def configuration(tmp_path: Path, efigi: Path, cache: Path) -> Path:
    return new_configuration(tmp_path, efigi, cache)
