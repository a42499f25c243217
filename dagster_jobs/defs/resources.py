"""What assets share: database, encoder and drop folder, the sky cells as partitions, errors in one line."""

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
        from galcat.workflows.release_encoder import load_ingestion_encoder  # noqa: PLC0415 - importing torch takes seconds; a sensor needs none

        return load_ingestion_encoder(url, self.weights)


class DropFolderResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where new tiles arrive: a folder with one sub-folder a survey, named as the survey."""

    path: str = ""

    def get_path(self) -> Path:
        """The drop folder; where none is given, the one that the environment's settings name."""
        return Path(self.path) if self.path else load_settings().drop_folder


sky_cells = dg.DynamicPartitionsDefinition(name="sky_cells")


@contextmanager
def one_line() -> Iterator[None]:
    """Turn every expected error into a failure that says it in one line."""
    try:
        yield
    except EXPECTED as error:
        raise dg.Failure(reason(error), allow_retries=is_passing(error)) from error
