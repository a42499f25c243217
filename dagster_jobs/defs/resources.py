"""What assets share: database, encoder and drop folder, partitions of survey and cell, errors in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from catalog.database.connection import database_url
from catalog.settings import load_settings
from galcat.errors import EXPECTED, is_passing, reason

if TYPE_CHECKING:
    from encoder.model.encoder import Encoder


class DatabaseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The catalogue's Postgres; without a URL, the one that the environment's settings name."""

    url: str = ""

    def get_url(self) -> str:
        """URL of the database; starts the embedded server where no other is named."""
        return self.url or database_url(load_settings())


class EncoderResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The encoder of the current release; for a first one, that with this path, else the one that ships."""

    weights: str = ""

    def load(self, url: str) -> "Encoder":
        """Load the weights that new tiles of the catalogue at a URL are encoded with, once a process."""
        from galcat.workflows.releases.release_encoder import load_ingestion_encoder  # noqa: PLC0415 - importing torch takes seconds; a sensor needs none

        return load_ingestion_encoder(url, self.weights)


class DropFolderResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where new tiles arrive: a folder with one sub-folder a survey, named as the survey."""

    path: str = ""
    settle_seconds: float = -1.0

    def get_path(self) -> Path:
        """The drop folder; where none is given, the one that the environment's settings name."""
        return Path(self.path) if self.path else load_settings().drop_folder

    def get_settle_seconds(self) -> float:
        """How long new files must have been the same; where it is not given, as the settings say."""
        return load_settings().settle_seconds if self.settle_seconds < 0 else self.settle_seconds

    def find_survey(self, survey: str) -> tuple[str, Path]:
        """Find what describes a survey, and the folder of its tiles, by the survey's name.

        Raises:
            WorkflowError: The drop folder has no folder of it.
        """
        from galcat.workflows.ingest.survey_folders import find_survey_folder  # noqa: PLC0415 - imports astropy

        return find_survey_folder(self.get_path(), survey)


sky_cells = dg.DynamicPartitionsDefinition(name="sky_cells")
"""Sky cells of surveys, as `legacy_dr10/healpix5-01234`: those of which there are tiles."""


def partition_of(survey: str, cell: str) -> str:
    """Name the partition of a survey's tiles in a sky cell."""
    return f"{survey}/{cell}"


def split_partition(key: str) -> tuple[str, str]:
    """Split a partition's name into survey and cell; the survey is empty in names of before version 0.3."""
    survey, _, cell = key.rpartition("/")
    return survey, cell


@contextmanager
def one_line() -> Iterator[None]:
    """Turn every expected error into a failure that says it in one line."""
    try:
        yield
    except EXPECTED as error:
        raise dg.Failure(reason(error), allow_retries=is_passing(error)) from error
