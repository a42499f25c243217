"""The parameters of a request, from its URL and its form, by upper-case name (DALI 1.1: any case)."""

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
    return RequestParameters(values, files)


async def _read_form(request: Request, limits: ServiceLimits) -> FormData:
    kind = request.headers.get("content-type", "").lower()
    if request.method != "POST" or not kind.startswith(_FORMS):
        return FormData()
    try:
        return await Request(request.scope, _bound_body(request, limits.request_bytes)).form(
            max_files=_MAX_PARAMETERS, max_fields=_MAX_PARAMETERS, max_part_size=limits.request_bytes
        )
    except HTTPException as error:
        raise UsageError(f"the form cannot be read: {error.detail}") from error


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
