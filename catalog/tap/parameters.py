"""The parameters of a request, from its URL and its form, by upper-case name (DALI 1.1: any case)."""

import asyncio
import re
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from catalog.tap.errors import UsageError
from catalog.tap.limits import ServiceLimits
from catalog.tap.middleware.form_files import close_later

_MAX_PARAMETERS = 100
_PARAMETERS_OVER_QUERY = 2
MAX_SHORT_CHARACTERS = 1_000
"""Of a parameter that is a name, a number or a time."""
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class RequestParameters:
    """The parameters that a client sent.

    Attributes:
        values: The values of each parameter, by the parameter's name in upper case.
        files: The files of a multipart form, by the name of their part.
    """

    values: dict[str, tuple[str, ...]]
    files: dict[str, UploadFile] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        """The value of a parameter; None where it is missing or empty.

        Raises:
            UsageError: It is given twice, with different values.
        """
        values = {value for value in self.values.get(name, ()) if value.strip()}
        if len(values) > 1:
            raise UsageError(f"{name} is given {len(values)} times with different values")
        return values.pop() if values else None

    def short(self, name: str) -> str | None:
        """As `one`, of a parameter that is kept with a job and shown in lists.

        Raises:
            UsageError: It is given twice, or is long.
        """
        text = self.one(name)
        if text is not None and len(text) > MAX_SHORT_CHARACTERS:
            raise UsageError(f"{name} is longer than {MAX_SHORT_CHARACTERS:,} characters")
        return text

    def whole_number(self, name: str) -> int | None:
        """The value of a parameter that is a number from 0 on; None where it is missing.

        Raises:
            UsageError: It is no such number.
        """
        text = self.one(name)
        if text is None:
            return None
        if not _WHOLE_NUMBER.fullmatch(text.strip()):
            raise UsageError(f"{name} is {text[:50]!r}: expected a whole number, 0 or more")
        return int(text)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """The value of a parameter as `allowed` spells it; None where it is missing.

        Raises:
            UsageError: It is none of those.
        """
        text = self.one(name)
        for one in allowed:
            if text is not None and text.strip().upper() == one.upper():
                return one
        if text is None:
            return None
        raise UsageError(f"{name} is {text[:50]!r}: expected {' or '.join(allowed)}")


async def read_parameters(request: Request, limits: ServiceLimits) -> RequestParameters:
    """Read the parameters of a GET or POST.

    Raises:
        UsageError: The request is too long, or its form is broken.
    """
    values: dict[str, tuple[str, ...]] = {}
    files: dict[str, UploadFile] = {}
    for name, value in [
        *request.query_params.multi_items(),
        *(await _read_form(request, limits)).multi_items(),
    ]:
        if isinstance(value, UploadFile):
            files[name] = close_later(request, value)
        else:
            values[name.upper()] = (*values.get(name.upper(), ()), value)
    maximum = _PARAMETERS_OVER_QUERY * limits.query_bytes
    if sum(len(name) + len(value) for name, given in values.items() for value in given) > maximum:
        raise UsageError(f"the parameters are longer than {maximum:,} bytes: upload long lists as a table")
    return RequestParameters(values, files)


async def _read_form(request: Request, limits: ServiceLimits) -> FormData:
    kind = request.headers.get("content-type", "").lower()
    if request.method != "POST" or not kind.startswith(_FORMS):
        return FormData()
    # What is no file is held in memory; a form without files is one whole.
    in_memory = 2 * _PARAMETERS_OVER_QUERY * limits.query_bytes
    max_bytes = limits.request_bytes if kind.startswith("multipart/") else 3 * in_memory
    try:
        async with asyncio.timeout(limits.request_seconds):
            return await Request(request.scope, _bound_body(request, max_bytes)).form(
                max_files=_MAX_PARAMETERS, max_fields=_MAX_PARAMETERS, max_part_size=in_memory
            )
    except HTTPException as error:
        raise UsageError(f"the form cannot be read: {error.detail}") from error
    except TimeoutError:
        raise UsageError(f"the form did not come within {limits.request_seconds:g} s") from None


def _bound_body(request: Request, max_bytes: int) -> Receive:
    """The request's own `receive`, which refuses to go on beyond so many bytes."""
    left = max_bytes

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise UsageError(f"the request is longer than {max_bytes:,} bytes")
        return message

    return receive
