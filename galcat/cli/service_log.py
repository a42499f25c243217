"""The log of the service on standard error: a line of text or a JSON object for each thing that happened."""

import json
import logging
from datetime import UTC, datetime
from typing import Literal

from catalog.tap.middleware.request_log import request_id

LogFormat = Literal["text", "json"]
_TEXT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"
_CHATTY = ("psycopg.pool",)
"""What they say of an outage has several lines, of which the first is enough."""


def start_log(form: LogFormat) -> None:
    """Write all that is logged from now on to standard error.

    As text, warnings and errors; as JSON, one line for every request too.

    Args:
        form: How a line is written, `text` or `json`.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_add_request)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("galcat.requests").setLevel(logging.INFO if form == "json" else logging.WARNING)


class JsonLines(logging.Formatter):
    """Writes a record as a JSON object in one line: time, level, logger, request, message, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        written = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request_id", request_id()),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            written["traceback"] = self.formatException(record.exc_info)
        return json.dumps(written, ensure_ascii=False)


def _add_request(record: logging.LogRecord) -> bool:
    record.request_id = request_id()
    if record.name in _CHATTY:
        record.msg, record.args = next(iter(record.getMessage().splitlines()), ""), ()
    return True
