"""A port that is taken is refused before anything is started."""

import socket

from galcat.errors import WorkflowError


def require_free(host: str, port: int) -> None:
    """Refuse a port that somebody listens on.

    Raises:
        WorkflowError: It is taken, or the address is none of this machine's.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            where = "this machine" if host == "127.0.0.1" else host
            raise WorkflowError(
                f"port {port} of {where}: {error.strerror}; choose another with --port"
            ) from error
