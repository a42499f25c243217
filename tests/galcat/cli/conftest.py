"""What tests of commands share: the command line over a catalogue with galaxies."""

import pytest

from catalog.database.connection import connect
from tests.catalog.galaxies import fill
from tests.galcat.cli.command_line import Galcat


@pytest.fixture
def filled(galcat: Galcat, database: str) -> Galcat:
    """The command line over 20 made-up galaxies."""
    with connect(database, autocommit=True) as connection:
        fill(connection, 20)
    return galcat
