"""What receives alarms in tests: a small HTTP server and a small mail server, on this machine."""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """What has come so far."""

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@contextmanager
def receiving_posts(status: int = 200, location: str = "") -> Iterator[Received]:
    """A server that keeps what is posted to it, and answers with a status, and with another address."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as received.port:
        yield received


@contextmanager
def receiving_mails(context: ssl.SSLContext | None = None) -> Iterator[Received]:
    """A mail server that keeps what is sent to it (RFC 5321, without extensions), over TLS with a context."""
    received = Received()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.split(":")[0].split()[0].upper()
                if word == "QUIT":
                    self._say("221 bye")
                    return
                if word == "RCPT":
                    received.recipients.append(line.partition(":")[2].strip("<> "))
                if word != "DATA":
                    self._say("250 fine")
                    continue
                self._say("354 go on")
                received.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self._say("250 kept")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        def get_request(self) -> tuple[socket.socket, Any]:
            client, address = super().get_request()
            if context is None:
                return client, address
            return context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: object) -> None:
            """A client that does not believe the certificate goes."""

    with _running(Server(("127.0.0.1", 0), Handler)) as received.port:
        yield received


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
