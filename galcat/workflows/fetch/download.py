"""One file from a server, whole or not at all: it goes on where it was cut off, and its sum is checked."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from galcat.errors import WorkflowError

_T = TypeVar("_T")
TRIES = 6
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class MissingFileError(WorkflowError):
    """The server has no such file."""


class _PassingError(Exception):
    """The same request may succeed later."""

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


@dataclass(frozen=True)
class Server:
    """How files are asked for.

    Attributes:
        client: The HTTP client, whose time limits hold.
        sleep: Waits so many seconds before the next try.
        tries: How often a file is asked for before it counts as lost.
    """

    client: httpx.Client
    sleep: Callable[[float], None]
    tries: int = TRIES

    def size(self, url: str) -> int | None:
        """The length of a file in bytes; None where the server does not say.

        Raises:
            MissingFileError: There is no such file.
            WorkflowError: The server does not answer.
        """
        return self._patiently(url, lambda: _size(self.client, url))

    def read(self, url: str) -> bytes:
        """A small file as a whole.

        Raises:
            MissingFileError: There is no such file.
            WorkflowError: The server does not answer.
        """
        return self._patiently(url, lambda: _read(self.client, url))

    def download(self, url: str, path: Path, sha256: str | None, advance: Callable[[int], object]) -> None:
        """Copy a file; nothing happens where it is there already with that sum.

        What has come lies beside it under another name until it is whole, and the next call goes on there.

        Args:
            url: Address of the file.
            path: Path that the file is written to.
            sha256: Its sum in hexadecimal digits; None where the survey publishes none.
            advance: Called with the number of bytes that have come, negative where some were given up.

        Raises:
            MissingFileError: There is no such file.
            WorkflowError: It does not come whole, or has another sum than the survey says.
        """
        if path.exists() and (sha256 is None or file_sha256(path) == sha256):
            advance(path.stat().st_size)
            return
        part = path.with_name(f".{path.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.exists():
            advance(part.stat().st_size)
        self._patiently(url, lambda: _copy(self.client, url, part, advance))
        if sha256 is not None and file_sha256(part) != sha256:
            advance(-part.stat().st_size)
            part.unlink()
            self._patiently(url, lambda: _copy(self.client, url, part, advance))
            if file_sha256(part) != sha256:
                part.unlink()
                raise WorkflowError(f"{url}: came twice with another SHA-256 sum than the survey says")
        _keep(part, path)

    def _patiently(self, url: str, ask: Callable[[], _T]) -> _T:
        try:
            return Retrying(
                retry=retry_if_exception_type((_PassingError, httpx.TransportError)),
                stop=stop_after_attempt(self.tries),
                wait=_pause,
                sleep=self.sleep,
                reraise=True,
            )(ask)
        except (_PassingError, httpx.HTTPError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise WorkflowError(f"{url}: {reason}, {self.tries} times; try again later") from error


def file_sha256(path: Path) -> str:
    """SHA-256 sum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "pause_s", None)
    longest = _FIRST_PAUSE_S * 2.0 ** (state.attempt_number - 1)
    return min(_LONGEST_PAUSE_S, longest if asked is None else max(asked, _FIRST_PAUSE_S))


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise MissingFileError(f"{response.url}: the server has no such file")
    if status in _PASSING:
        pause = response.headers.get("Retry-After", "")
        raise _PassingError(f"the server answers {status}", float(pause) if pause.isdigit() else None)
    if status >= HTTPStatus.BAD_REQUEST:
        raise WorkflowError(f"{response.url}: the server answers {status} {response.reason_phrase}")


def _size(client: httpx.Client, url: str) -> int | None:
    response = client.head(url)
    _check(response)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _read(client: httpx.Client, url: str) -> bytes:
    response = client.get(url)
    _check(response)
    return response.content


def _copy(client: httpx.Client, url: str, part: Path, advance: Callable[[int], object]) -> None:
    """Append what is missing of a file to what has come of it."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with client.stream("GET", url, headers=headers) as response:
        if have and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range", "") == f"bytes */{have}":
                return  # all of it has come
            _give_up(part, have, advance)
            raise _PassingError("the file has become shorter")
        _check(response)
        if have and response.status_code != HTTPStatus.PARTIAL_CONTENT:
            _give_up(part, have, advance)
            have = 0
        length = response.headers.get("Content-Length", "")
        expected = have + int(length) if length.isdigit() else None
        with part.open("ab") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                advance(len(chunk))
    if expected is not None and part.stat().st_size != expected:
        raise _PassingError(f"{part.stat().st_size:,} of {expected:,} bytes came")


def _give_up(part: Path, have: int, advance: Callable[[int], object]) -> None:
    part.unlink()
    advance(-have)


def _keep(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
