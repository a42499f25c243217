"""A catalogue of galaxies that are rated in searches for anomalies."""

import pytest

from tests.galcat.cli.labelled_galaxies import LabelledGalaxies
from tests.galcat.workflows.tasks.rated_galaxies import N, fill


@pytest.fixture
def galaxies(database: str) -> LabelledGalaxies:
    return fill(database, N)
