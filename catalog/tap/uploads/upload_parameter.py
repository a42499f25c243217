"""The parameter UPLOAD of TAP 1.1: which tables come with a query."""

import re
from dataclasses import dataclass

from starlette.datastructures import UploadFile

from catalog.tap.errors import UsageError
from catalog.tap.limits import ServiceLimits
from catalog.tap.parameters import RequestParameters

_PART = "param:"
_SEVERAL = ";"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESULT = re.compile(r"/tap/async/([0-9a-f]+)/results/result")
_SHOWN = 100


@dataclass(frozen=True)
class UploadReference:
    """A table that UPLOAD names, and where it is.

    Attributes:
        name: The table's name in the query, behind TAP_UPLOAD.
        source: A file of the request, or the identifier of an earlier job whose result the table is.
    """

    name: str
    source: UploadFile | str


def parse_uploads(
    parameters: RequestParameters, limits: ServiceLimits, base_url: str
) -> tuple[UploadReference, ...]:
    """Read which tables UPLOAD names.

    No URL is ever followed: the only ones that are understood are those of results of this service's jobs.

    Args:
        parameters: The parameters of the request.
        limits: How many tables may come with one query.
        base_url: The URL of the service, as the client knows it.

    Raises:
        UsageError: UPLOAD is malformed, or names another URL or a missing part, or too many tables.
    """
    values = parameters.values.get("UPLOAD", ())
    pairs = [pair for value in values for pair in value.split(_SEVERAL) if pair.strip()]
    if len(pairs) > limits.uploads:
        raise UsageError(f"UPLOAD names {len(pairs)} tables: {limits.uploads} may come with a query")
    tables = tuple(_parse_upload(pair, parameters, base_url) for pair in pairs)
    names = [table.name.lower() for table in tables]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"UPLOAD names the table {name} twice")
    return tables


def _parse_upload(pair: str, parameters: RequestParameters, base_url: str) -> UploadReference:
    name, comma, uri = (part.strip() for part in pair.partition(","))
    if not comma or not _NAME.fullmatch(name):
        raise UsageError(f"UPLOAD is {pair[:_SHOWN]!r}: expected NAME,param:PART, NAME of letters, digits, _")
    if not uri.lower().startswith(_PART):
        return UploadReference(name, _parse_job_url(uri, base_url))
    part = uri[len(_PART) :]
    if part not in parameters.files:
        raise UsageError(f"UPLOAD names the part {part[:_SHOWN]!r}, which the request does not have")
    return UploadReference(name, parameters.files[part])


def _parse_job_url(uri: str, base_url: str) -> str:
    result = _RESULT.fullmatch(uri.removeprefix(base_url)) if uri.startswith(base_url) else None
    if result is None:
        raise UsageError(
            f"UPLOAD names {uri[:_SHOWN]!r}: only files of the request (param:PART) and results of this "
            "service's jobs are taken, no other URL is read"
        )
    return result[1]
