"""How uvicorn serves the application."""

from importlib.metadata import version

import uvicorn
from starlette.applications import Starlette

_GOODBYE_S = 10
"""For answers that are being sent when the service is stopped."""


def server_config(app: Starlette, host: str, port: int) -> uvicorn.Config:
    """Settings for `uvicorn.Server`: HTTP alone, and nothing believed that a client says of its own address.

    Args:
        app: From `make_app`.
        host: Address to listen at.
        port: Of it.
    """
    return uvicorn.Config(
        app,
        host,
        port,
        ws="none",
        proxy_headers=False,
        server_header=False,
        headers=[("Server", f"galcat/{version('galcat')}")],
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GOODBYE_S,
    )
