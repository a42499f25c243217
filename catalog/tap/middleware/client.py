"""The client of a request, and the URL under which it knows the service."""

import ipaddress
from dataclasses import dataclass

from starlette.requests import Request

_USER_AGENT_CHARACTERS = 200


@dataclass(frozen=True)
class Client:
    """The client of a request.

    Attributes:
        address: The IP address of the client's machine.
        user_agent: What the client's program calls itself.
    """

    address: str
    user_agent: str


def identify_client(request: Request, public_url: str | None) -> Client:
    """Identify the client; what a proxy says of it counts only where `public_url` is set."""
    address = request.client.host if request.client else ""
    if public_url:
        # The proxy adds the address that it sees itself at the end: what stands before it anybody can write.
        forwarded = request.headers.get("x-forwarded-for", "").split(",")[-1].strip()
        address = forwarded or address
    return Client(address, request.headers.get("user-agent", "")[:_USER_AGENT_CHARACTERS])


def find_base_url(request: Request, public_url: str | None) -> str:
    """Find the service's URL, without a slash at its end: `public_url`, or as the client itself called it."""
    return (public_url or str(request.base_url)).rstrip("/")


def find_network(address: str) -> str:
    """Find what is counted as one client: an address of IPv4, or the /64 network of one of IPv6."""
    if ":" not in address:
        return address
    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if number.ipv4_mapped is not None:
        return str(number.ipv4_mapped)
    return str(ipaddress.IPv6Network((number, 64), strict=False))
