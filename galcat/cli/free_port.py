"""A port that is taken is refused before anything is started."""

import socket

from galcat.errors import JobError


def require_free(host: str, port: int) -> None:
    """Refuse a port that somebody listens on.

    Raises:
        JobError: It is taken, or the address is none of this machine's.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            where = "this machine" if host == "127.0.0.1" else host
            raise JobError(f"port {port} of {where}: {error.strerror}; choose another with --port") from error
