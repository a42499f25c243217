"""One file from a server, whole or not at all: it goes on where it was cut off, and its sum is checked."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from galcat.errors import WorkflowError

_T = TypeVar("_T")
TRIES = 6
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_AS_IT_IS = {"Accept-Encoding": "identity"}
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

        What has come lies beside it under another name until it is whole, and the next call goes on there:
        where a sum tells whether the parts belong together, or the server, by `If-Range` (RFC 9110, section
        13.1.5), that the file is still the same.

        Args:
            url: Address of the file.
            path: Path that the file is written to.
            sha256: Its sum in hexadecimal digits; None where the survey publishes none.
            advance: Called with the number of bytes that have come, negative where some were given up.

        Raises:
            MissingFileError: There is no such file.
            WorkflowError: It does not come whole, or has another sum than the survey says.
        """
        if path.exists() and (
            is_of_its_kind(path, path.name) if sha256 is None else file_sha256(path) == sha256
        ):
            advance(path.stat().st_size)
            return
        part = _Part(part_path(path))
        part.path.parent.mkdir(parents=True, exist_ok=True)
        advance(part.size)
        self._patiently(url, lambda: self._copy_kind(url, part, path.name, sha256, advance))
        if sha256 is not None and file_sha256(part.path) != sha256:
            part.give_up(advance)
            self._patiently(url, lambda: _copy(self.client, url, part, advance, has_sum=True))
            if file_sha256(part.path) != sha256:
                part.give_up(lambda _: None)
                raise WorkflowError(f"{url}: came twice with another SHA-256 sum than the survey says")
        part.keep(path)

    def _copy_kind(
        self, url: str, part: "_Part", name: str, sha256: str | None, advance: Callable[[int], object]
    ) -> None:
        _copy(self.client, url, part, advance, has_sum=sha256 is not None)
        if sha256 is None and not is_of_its_kind(part.path, name):
            with part.path.open("rb") as file:
                begin = file.read(40).decode("ascii", "replace").strip()
            part.give_up(advance)
            raise _PassingError(f"what came begins with {begin!r}, as no {_kind(name)} file does")

    def _patiently(self, url: str, ask: Callable[[], _T]) -> _T:
        try:
            return Retrying(
                retry=retry_if_exception(_may_pass),
                stop=stop_after_attempt(self.tries),
                wait=_pause,
                sleep=self.sleep,
                reraise=True,
            )(ask)
        except (_PassingError, httpx.HTTPError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            often = f", {self.tries} times; try again later" if _may_pass(error) else ""
            raise WorkflowError(f"{' '.join(url.split())}: {reason}{often}") from error


def file_sha256(path: Path) -> str:
    """SHA-256 sum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_BEGINS = {"fits": b"SIMPLE  =", "gzip": b"\x1f\x8b", "bzip2": b"BZh"}


def _kind(name: str) -> str:
    """What a file of that name must be; empty where the name does not say."""
    endings = name.lower().split(".")[1:]
    packed = {"gz": "gzip", "bz2": "bzip2"}.get(endings[-1] if endings else "", "")
    return packed or ("fits" if {"fits", "fit", "fts"} & set(endings) else "")


def is_of_its_kind(path: Path, name: str) -> bool:
    """Whether a file begins as one of that name does: servers send pages of HTML as if all were well."""
    kind = _kind(name)
    if not kind:
        return True
    with path.open("rb") as file:
        return file.read(len(_BEGINS[kind])) == _BEGINS[kind]


def part_path(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(f".{path.name}.part")


@dataclass(frozen=True)
class _Part:
    """What has come of a file, and which version of it that is."""

    path: Path

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str | None:
        """What the server called the version; None where it called it nothing."""
        note = self._note
        return note.read_text() or None if note.exists() else None

    def begin(self, response: httpx.Response) -> None:
        """Note which version is coming: by a strong ETag, else by its time."""
        etag = response.headers.get("ETag", "")
        is_strong = etag.startswith('"')
        self._note.write_text(etag if is_strong else response.headers.get("Last-Modified", ""))

    def give_up(self, advance: Callable[[int], object]) -> None:
        """Begin anew."""
        have = self.size
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        advance(-have)

    def keep(self, path: Path) -> None:
        """Give the whole file its name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(path)
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.version")


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    is_transport = isinstance(error, httpx.TransportError) and not isinstance(
        error, httpx.UnsupportedProtocol
    )
    return is_transport or isinstance(error, _PassingError)


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
    response = client.head(url, headers=_AS_IT_IS)
    _check(response)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _read(client: httpx.Client, url: str) -> bytes:
    response = client.get(url)
    _check(response)
    return response.content


def _copy(
    client: httpx.Client, url: str, part: _Part, advance: Callable[[int], object], *, has_sum: bool
) -> None:
    """Append what is missing of a file to what has come of it."""
    if part.size and not has_sum and part.version is None:
        part.give_up(advance)  # nothing would tell a mixture of two versions from the file
    have, headers = part.size, dict(_AS_IT_IS)
    if have:
        headers["Range"] = f"bytes={have}-"
        if not has_sum:
            headers["If-Range"] = part.version or ""
    with client.stream("GET", url, headers=headers) as response:
        if have and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if response.headers.get("Content-Range", "") == f"bytes */{have}":
                return  # all of it has come
            part.give_up(advance)
            raise _PassingError("the file has become shorter")
        _check(response)
        if have and response.status_code != HTTPStatus.PARTIAL_CONTENT:
            part.give_up(advance)
            have = 0
        if not have:
            part.begin(response)
        length = response.headers.get("Content-Length", "")
        expected = have + int(length) if length.isdigit() else None
        with part.path.open("ab") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                advance(len(chunk))
    if expected is not None and part.size != expected:
        raise _PassingError(f"{part.size:,} of {expected:,} bytes came")
