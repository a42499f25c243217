"""Closes the files of a form when their request has been answered, however that went."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "galcat.files"


class FormFiles:
    """Middleware that closes the files that `close_later` was given."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then close."""
        files: list[UploadFile] = []
        scope[_KEY] = files
        try:
            await self._app(scope, receive, send)
        finally:
            for file in files:
                file.file.close()


def close_later(request: Request, file: UploadFile) -> UploadFile:
    """Have a file closed with its request."""
    request.scope.get(_KEY, []).append(file)
    return file
