"""The log of `galcat serve` as text and as JSON."""

import json
import logging
from collections.abc import Iterator

import pytest

from galcat.cli.service_log import LogFormat, start_log


@pytest.fixture(autouse=True)
def log_of_before() -> Iterator[None]:
    """The log is as it was afterwards."""
    root, requests = logging.getLogger(), logging.getLogger("galcat.requests")
    before = root.handlers[:], root.level, requests.level
    yield
    root.handlers, level, requests_level = before
    root.setLevel(level)
    requests.setLevel(requests_level)


def say_all(form: LogFormat) -> None:
    start_log(form)
    facts = {"method": "GET", "path": "/tap/sync", "status": 200, "seconds": 0.25}
    logging.getLogger("galcat.requests").info("%(method)s %(path)s", facts, extra={"facts": facts})
    logging.getLogger("psycopg.pool").warning("error connecting: %s", "no route\n\tIs it running?\n")
    try:
        raise ValueError("a fault")  # noqa: TRY301 - it is to be logged
    except ValueError:
        logging.getLogger("catalog").exception("it failed")


def test_as_json_every_line_is_an_object_with_the_request_and_its_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_all("json")
    request, pool, fault = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {name: request[name] for name in ("level", "request", "message", "path", "status", "seconds")} == {
        "level": "INFO",
        "request": "-",
        "message": "GET /tap/sync",
        "path": "/tap/sync",
        "status": 200,
        "seconds": 0.25,
    }
    assert pool["message"] == "error connecting: no route"
    assert fault["traceback"].splitlines()[-1] == "ValueError: a fault"


def test_as_text_only_warnings_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    say_all("text")
    said = capsys.readouterr().err
    lines = said.splitlines()
    assert lines[0].endswith("WARNING psycopg.pool [-]: error connecting: no route")
    assert lines[1].endswith("ERROR catalog [-]: it failed")
    assert "GET" not in said
