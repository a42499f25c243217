"""A watch over the embedded Postgres while the service runs: where it dies, it is started again."""

import logging
import time
from pathlib import Path

from catalog.database.embedded.server import revive
from catalog.errors import CatalogError

_LOOK_S = 5.0
_log = logging.getLogger(__name__)


def watch_server(home: Path) -> None:
    """Look every five seconds, for as long as the process lives; an end by `galcat down` is respected."""
    while True:
        time.sleep(_LOOK_S)
        try:
            if revive(home):
                _log.warning("the embedded Postgres had died: it was started again")
        except CatalogError as error:
            _log.error("the embedded Postgres died and does not start: %s", error)
