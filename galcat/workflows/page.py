"""What the page of `galcat serve` is handed: the encoder of pictures, the models of tasks, large pictures."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.errors import CatalogError
from catalog.web.app import page_routes
from catalog.web.page_services import NextBatch, NextGalaxy, PageServices
from galcat.errors import EXPECTED, reason
from galcat.workflows.sky.large_picture import TileDrawer

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from catalog.search.memory.galaxy_memory import GalaxyMemory
    from catalog.tap.service import Service

KEY_FILE = "page.key"


class PageError(CatalogError):
    """A picture cannot be read, or nothing can be learnt from the labels yet; its text is for the visitor."""


def make_page_routes(
    url: str, home: Path, dagster_url: str = "", keys: Path | None = None
) -> Callable[["Service"], Sequence["BaseRoute"]]:
    """Make what turns the service's parts into the routes of the page.

    Args:
        url: URL of the catalogue's database, for its owner.
        home: Folder of the catalogue, which keeps a HiPS and its viewer.
        dagster_url: Address of Dagster's pages; empty where none is known.
        keys: Folder that keeps the key of signed cookies, which services that share a catalogue share; None
            for the home.
    """

    def make(service: "Service") -> Sequence["BaseRoute"]:
        parts = PageServices(
            secret_file=(keys or home) / KEY_FILE,
            encode_picture=partial(encode_picture, url),
            choose_next=partial(choose_next, url, memory=service.connections.memory),
            drawer=TileDrawer(),
            dagster_url=dagster_url,
            home=home,
        )
        return page_routes(service, parts)

    return make


def encode_picture(url: str, path: Path) -> NDArray[np.float32]:
    """The (40,) search vector that the current release's encoder makes of a picture file.

    Raises:
        PageError: The picture cannot be read, or the release's weights are not on this machine.
    """
    from galcat.workflows.similar import encode_image  # noqa: PLC0415 - only a picture needs torch

    try:
        with connect(url, autocommit=True) as connection:
            like = encode_image(connection, path, "", None).like
    except EXPECTED as error:
        raise PageError(reason(error).replace(str(path), "the picture")) from error
    return np.asarray(like, np.float32)


def choose_next(url: str, name: str, n: int, memory: "GalaxyMemory | None" = None) -> NextBatch:
    """The next galaxies of a task, as `galcat anomalies next` and `galcat tasks` choose them.

    Before there are two labelled galaxies of each answer they are random; then the most probable ones of the
    rarest answer and those that the model cannot place take turns.

    Args:
        url: URL of the catalogue's database, for its owner.
        name: Name of the task.
        n: How many galaxies are wanted; a round of ratings always has ten.
        memory: The galaxies in memory; None where none are held.

    Raises:
        PageError: There is no such task, or no galaxy is left.
    """
    from galcat.workflows.tasks.next_labels import choose_next_labels  # noqa: PLC0415 - torch takes seconds

    try:
        ids, beliefs, why = choose_next_labels(url, name, n, memory)
    except EXPECTED as error:
        raise PageError(reason(error)) from error
    return NextBatch([NextGalaxy(*one) for one in zip(ids, beliefs, strict=True)], why)
