"""A model hub on this machine: the few answers that the hub's own client asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40


@contextmanager
def model_hub(repository: str, folder: Path) -> Iterator[str]:
    """Serve the files of a folder as those of one repository; gives the hub's address.

    Args:
        repository: OWNER/NAME.
        folder: The files, all in one folder.
    """
    about = {
        "id": repository,
        "sha": COMMIT,
        "siblings": [{"rfilename": file.name} for file in sorted(folder.iterdir())],
    }

    files = [
        {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
        for file in sorted(folder.iterdir())
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = self._answer()
            if content is not None:
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

        def _answer(self) -> bytes | None:
            path = self.path.partition("?")[0]
            file = folder / path.rpartition("/")[2]
            if path in {f"/api/models/{repository}/revision/{name}" for name in ("main", COMMIT)}:
                content = json.dumps(about).encode()
            elif path == f"/api/models/{repository}/tree/{COMMIT}":
                content = json.dumps(files).encode()
            elif path.startswith(f"/{repository}/resolve/") and file.is_file():
                content = file.read_bytes()
            else:
                self.send_error(404)
                return None
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            return content

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
