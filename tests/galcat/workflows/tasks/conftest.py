"""A catalogue of galaxies that are rated in searches for anomalies."""

import pytest

from tests.galcat.cli.asked_galaxies import Asked
from tests.galcat.workflows.tasks.rated_galaxies import N, fill


@pytest.fixture
def asked(database: str) -> Asked:
    return fill(database, N)
