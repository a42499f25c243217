"""Ports: a number that is none, or one that is taken, is refused before anything is started."""

import socket

import typer

from galcat.cli.console import log, mark_line
from galcat.errors import WorkflowError

PORTS = range(1, 65536)


def check_port(port: int) -> int:
    """Refuse a number that is no port, as wrong usage: one line, and exit code 2."""
    if port not in PORTS:
        refusal = f"port {port} is not between {PORTS[0]} and {PORTS[-1]}"
        log.print(mark_line("error:", "red", refusal), soft_wrap=True)
        raise typer.Exit(2)
    return port


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
