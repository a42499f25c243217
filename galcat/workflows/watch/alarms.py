"""Alarms: what tells an operator that something failed, by a webhook, by mail and by a command."""

import json
import os
import shlex
import smtplib
import socket
import ssl
import subprocess
import tomllib
import urllib.error
import urllib.request
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from catalog.errors import SettingsError
from galcat.errors import reason

FILE = "galcat.toml"
_PATIENCE_S = 20.0


class AlarmSettings(BaseSettings):
    """Where alarms go: the environment's `GALCAT_ALARM_*`, else `[alarm]` of `galcat.toml` in the home.

    Attributes:
        webhook: URL that is sent `{"subject": ..., "text": ...}` by POST, as chat services take it.
        mail_to: Addresses, with commas between.
        mail_from: Address of the sender.
        smtp: The mail server as HOST or HOST:PORT.
        smtp_security: Whether the connection to it is encrypted from its start, by STARTTLS, or not at all;
            its certificate must be good, and `SSL_CERT_FILE` names an authority of one's own.
        smtp_user: Name to log in with; None where the server asks for none.
        smtp_password_file: File that holds the password, and nothing else.
        command: Command that is started without a shell; the text is on its standard input, the subject in
            `GALCAT_ALARM_SUBJECT`.
        page: Address of Dagster's page, to which the text of an alarm links.
    """

    model_config = SettingsConfigDict(
        env_prefix="GALCAT_ALARM_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    webhook: str = ""
    mail_to: str = ""
    mail_from: str = Field(default_factory=lambda: f"galcat@{socket.gethostname()}")
    smtp: str = "localhost:25"
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    command: str = ""
    page: str = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the interface
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes before what the file says."""
        return env_settings, init_settings

    @field_validator("webhook", "page")
    @classmethod
    def _require_http(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("no http or https URL")
        return url

    @property
    def ways(self) -> list[str]:
        """By what an alarm is sent: nothing, unless somebody has set it."""
        return [way for way in ("webhook", "mail_to", "command") if getattr(self, way)]


def load_alarm_settings(home: Path) -> AlarmSettings:
    """Read where alarms go.

    Args:
        home: Folder of the catalogue's home.

    Raises:
        SettingsError: The file cannot be understood, or a value is none; names the file and the value.
    """
    file = home / FILE
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8")).get("alarm", {})
    except FileNotFoundError:
        given = {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {reason(error)}") from None
    if not isinstance(given, dict):
        raise SettingsError(f"{file}: alarm is a table, [alarm]")
    try:
        return AlarmSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        where = "GALCAT_ALARM_" + name.upper() if f"GALCAT_ALARM_{name.upper()}" in os.environ else str(file)
        raise SettingsError(f"{where}: alarm.{name}: {first['msg']}") from None


def send_alarm(settings: AlarmSettings, subject: str, text: str) -> list[str]:
    """Send an alarm by every way that is set; one that fails does not keep the others from it.

    Args:
        settings: The ways and addresses by which alarms are sent.
        subject: What has happened, in one line.
        text: What has happened, and what to do.

    Returns:
        One line for each way that failed.
    """
    send = {"webhook": _post, "mail_to": _mail, "command": _run}
    problems = []
    for way in settings.ways:
        try:
            send[way](settings, subject, text)
        except (OSError, ValueError, HTTPException, subprocess.SubprocessError) as error:
            problems.append(f"the alarm did not get through by {way}: {reason(error)}")
    return problems


def _post(settings: AlarmSettings, subject: str, text: str) -> None:
    body = json.dumps({"subject": subject, "text": f"{subject}\n{text}"}).encode()
    request = urllib.request.Request(  # noqa: S310 - http or https, as checked
        settings.webhook, body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_PATIENCE_S):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        elsewhere = error.headers.get("Location")
        remedy = f" and names {elsewhere}: put the address that takes alarms into alarm.webhook"
        raise OSError(
            f"{settings.webhook} answered {error.code} {error.reason}{remedy if elsewhere else ''}"
        ) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib would ask the other address by GET, without the alarm."""

    def redirect_request(self, *_: object) -> None:
        """No other request: the answer is an error as any other."""


def _mail(settings: AlarmSettings, subject: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = settings.mail_from
    message["To"] = settings.mail_to
    message.set_content(text)
    host, _, port = settings.smtp.rpartition(":") if ":" in settings.smtp else (settings.smtp, "", "25")
    context = ssl.create_default_context()  # smtplib's own would show the password to whoever answers
    with (
        smtplib.SMTP_SSL(host, int(port), timeout=_PATIENCE_S, context=context)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(host, int(port), timeout=_PATIENCE_S)
    ) as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user is not None:
            file = settings.smtp_password_file
            server.login(settings.smtp_user, file.read_text().strip() if file else "")
        server.send_message(message)


def _run(settings: AlarmSettings, subject: str, text: str) -> None:
    subprocess.run(  # noqa: S603 - the operator's own command
        shlex.split(settings.command),
        input=text,
        text=True,
        check=True,
        timeout=_PATIENCE_S,
        capture_output=True,
        env=os.environ | {"GALCAT_ALARM_SUBJECT": subject},
    )
