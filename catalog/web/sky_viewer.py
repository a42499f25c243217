"""The viewer of the sky: Aladin Lite on a HiPS of the catalogue's own tiles, where both are in the home."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from catalog.tap.errors import NotFoundError
from catalog.web.pages import HEADERS, page, render

_HIPS, _ALADIN = "hips", "aladin"
# Aladin compiles WebAssembly and writes its own styles; it stays in a frame, and reaches this service alone.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src data:; connect-src 'self' data: blob:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class SkyViewer:
    """What `galcat hips` and `galcat aladin` put into the home.

    Args:
        home: The folder that holds them; None where there is none.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home

    @property
    def is_there(self) -> bool:
        """Whether there is a HiPS and the viewer that shows it."""
        if self._home is None:
            return False
        needed = (self._home / _HIPS / "properties", self._home / _ALADIN / "aladin.js")
        return all(file.is_file() for file in needed)

    def routes(self) -> list[BaseRoute]:
        """Make the routes of the frame, of the HiPS and of the viewer's own files."""

        @page
        async def viewer(request: Request) -> Response:
            if not self.is_there:
                raise NotFoundError(
                    "there is no viewer of the sky here: galcat hips and galcat aladin add it"
                )
            answer = render(request, "viewer.html")
            answer.headers["Content-Security-Policy"] = _POLICY
            answer.headers["X-Frame-Options"] = "SAMEORIGIN"
            return answer

        if self._home is None:
            return []
        files = {"/page/hips": self._home / _HIPS, "/page/aladin": self._home / _ALADIN}
        mounts = [
            Mount(path, _ServedFiles(directory=folder, check_dir=False)) for path, folder in files.items()
        ]
        return [Route("/sky", viewer), *mounts]


class _ServedFiles(StaticFiles):
    """Files of a folder that may be made while the service runs; a link leads nowhere out of it."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type] # passed on
        response.headers["X-Content-Type-Options"] = HEADERS["X-Content-Type-Options"]
        return response
