"""The service with cutouts, over a test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.tap.limits import ServiceLimits
from galcat.workflows.sky.cutouts import SkyCutter
from tests.catalog.tap.tap_server import serving


@contextmanager
def serving_cutouts(database: str, spool: Path) -> Iterator[str]:
    """Serve in a thread; gives the URL, without a slash at its end."""
    with serving(database, spool, ServiceLimits(), cutter=SkyCutter()) as served:
        yield served.url
