"""Who sends a request: a session in a signed cookie, which no script reads, and a token for forms."""

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg
from anyio.to_thread import run_sync
from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from catalog.tap.service import Service
from catalog.web.pages import NotAllowedError

COOKIE = "galcat_session"
_SECONDS = 90 * 86_400
_MAX_COOKIE = 300


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in.

    Attributes:
        name: The name that stands beside their labels.
        role: `reader` or `labeller`.
        token: The secret of the session.
        form_token: What forms and scripts of the page send along, and forged ones cannot know.
    """

    name: str
    role: str
    token: str
    form_token: str

    @property
    def may_label(self) -> bool:
        """Whether the person may label."""
        return self.role == "labeller"


class Sessions:
    """Begins, finds and ends sessions.

    Args:
        service: The service whose database keeps them.
        key_file: File of the key that signs cookies; it is made where it is missing.
    """

    def __init__(self, service: Service, key_file: Path) -> None:
        self._service = service
        self._key_file = key_file
        self._signer: Signer | None = None

    async def find(self, request: Request) -> Visitor | None:
        """Who sends the request; None where nobody is logged in. Pages show the name."""
        cookie = request.cookies.get(COOKIE, "")
        if not cookie or len(cookie) > _MAX_COOKIE:
            return None
        visitor = await run_sync(self._find, cookie)
        request.state.person = visitor
        return visitor

    async def require(self, request: Request, form_token: str) -> Visitor:
        """Who sends the request, which changes something.

        Raises:
            NotAllowedError: Nobody is logged in, or the form is not of this page.
        """
        visitor = await self.find(request)
        if visitor is None:
            raise NotAllowedError("nobody is logged in here: use the link of galcat people")
        if not hmac.compare_digest(visitor.form_token.encode(), form_token.encode()):
            raise NotAllowedError("this form is too old, or not of this page: load the page again")
        return visitor

    async def enter(self, link: str) -> str | None:
        """Use a link up, and give the cookie of a new session; None for a link that lets nobody in."""
        return await run_sync(self._enter, link)

    async def leave(self, visitor: Visitor) -> None:
        """End a session."""
        await run_sync(self._leave, visitor)

    def set_cookie(self, request: Request, response: Response, cookie: str) -> None:
        """Have the browser keep a session, away from scripts and from other sites."""
        is_secure = self._service.base(request).startswith("https:")
        response.set_cookie(
            COOKIE, cookie, _SECONDS, path="/", secure=is_secure, httponly=True, samesite="lax"
        )

    @contextmanager
    def as_labeller(self) -> Iterator[psycopg.Connection]:
        """A transaction with the rights of a labeller and no more: the database looks who speaks."""
        with self._service.connections.writer() as writer, writer.transaction():
            writer.execute("SET LOCAL ROLE galcat_labeller")
            yield writer

    def _find(self, cookie: str) -> Visitor | None:
        try:
            token = self._sign().unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None
        with self.as_labeller() as connection:
            row = connection.execute("SELECT name, role FROM galcat_tap.person_of(%s)", [token]).fetchone()
        if row is None:
            return None
        return Visitor(str(row[0]), str(row[1]), token, self._sign("form").get_signature(token).decode())

    def _enter(self, link: str) -> str | None:
        token = secrets.token_urlsafe(32)
        with self.as_labeller() as connection:
            row = connection.execute("SELECT galcat_tap.enter(%s, %s)", [link, token]).fetchone()
        return None if row is None or row[0] is None else self._sign().sign(token).decode()

    def _leave(self, visitor: Visitor) -> None:
        with self.as_labeller() as connection:
            connection.execute("SELECT galcat_tap.leave(%s)", [visitor.token])

    def _sign(self, purpose: str = "session") -> Signer:
        if self._signer is None:
            self._signer = Signer(read_key(self._key_file))
        return Signer(self._signer.secret_keys[-1], salt=f"galcat {purpose}", digest_method=sha256)


def read_key(path: Path) -> str:
    """Read the key, or make one that its owner alone can read.

    Services that begin at once agree on one, and none sees half of it.
    """
    if not path.exists():
        fresh = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            with suppress(FileExistsError):
                os.link(fresh, path)  # the first of several is the one
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")
