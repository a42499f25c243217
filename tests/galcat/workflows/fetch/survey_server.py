"""A survey's server on this machine, with the faults that real ones have."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server has and how it misbehaves.

    Attributes:
        files: Contents by path; a path may have a query behind `?`.
        cut: Paths whose first answer ends after so many bytes, though more were announced.
        busy: Paths that are answered by 503 so many times first.
        etags: What the version of a path's content is called, where it has a name.
        takes_ranges: Whether the rest of a file can be asked for.
        asked: How often each path was got.
        ranges: The ranges that were asked for.
        url: Address of the server.
    """

    files: dict[str, bytes]
    cut: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    takes_ranges: bool = True
    asked: Counter[str] = field(default_factory=Counter)
    ranges: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def survey_server(site: Site) -> Iterator[Site]:
    """Serve a site; its `url` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = site.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            site.asked[self.path] += 1
            if site.busy.get(self.path, 0) >= site.asked[self.path]:
                self.send_response(503)
                self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            etag = site.etags.get(self.path)
            is_same = self.headers.get("If-Range", etag) == etag
            start = int(wanted[1]) if wanted and site.takes_ranges and is_same else 0
            if wanted:
                site.ranges.append(wanted[0])
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if etag is not None:
                self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = site.cut.pop(self.path, len(content))
            self.wfile.write(content[start:end])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
