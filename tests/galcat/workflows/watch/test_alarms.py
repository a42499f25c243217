"""An alarm goes out by every way that is set, and says by which it did not get through."""

import email
import email.policy
import ssl
import sys
from pathlib import Path

import pytest

from catalog.errors import SettingsError
from galcat.workflows.watch.alarms import AlarmSettings, load_alarm_settings, send_alarm
from tests.galcat.certificates import write_certificates
from tests.galcat.workflows.watch.alarm_receivers import receiving_mails, receiving_posts

SUBJECT, TEXT = "galcat: the job ingest failed", "tile 0101p000: damaged\nµm"
KEEP = (
    "import os, sys; "
    "open(sys.argv[1], 'w').write(os.environ['GALCAT_ALARM_SUBJECT'] + chr(10) + sys.stdin.read())"
)


def test_nothing_is_sent_until_somebody_sets_a_way(tmp_path: Path) -> None:
    settings = load_alarm_settings(tmp_path)
    assert (settings.ways, send_alarm(settings, SUBJECT, TEXT)) == ([], [])


def test_an_alarm_goes_out_by_webhook_mail_and_command(tmp_path: Path) -> None:
    program, kept = tmp_path / "keep.py", tmp_path / "kept"
    program.write_text(KEEP)
    with receiving_posts() as posted, receiving_mails() as mailed:
        (tmp_path / "galcat.toml").write_text(
            "[alarm]\n"
            f'webhook = "http://127.0.0.1:{posted.port}/hook"\n'
            'mail_to = "a@example.org, b@example.org"\nmail_from = "galcat@example.org"\n'
            f'smtp = "127.0.0.1:{mailed.port}"\n'
            f'command = "{sys.executable} {program} {kept}"\n'
        )
        assert send_alarm(load_alarm_settings(tmp_path), SUBJECT, TEXT) == []
    assert posted.posts == [{"subject": SUBJECT, "text": f"{SUBJECT}\n{TEXT}"}]
    message = email.message_from_bytes(mailed.mails[0], policy=email.policy.default)
    assert [message[name] for name in ("Subject", "From", "To")] == [
        SUBJECT,
        "galcat@example.org",
        "a@example.org, b@example.org",
    ]
    assert message.get_content().splitlines() == TEXT.splitlines()
    assert mailed.recipients == ["a@example.org", "b@example.org"]
    assert kept.read_text() == f"{SUBJECT}\n{TEXT}"


def test_a_way_that_fails_is_named_and_keeps_no_other_from_it(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with receiving_posts(500) as refusing, receiving_mails() as gone:
        webhook = f"http://127.0.0.1:{refusing.port}"
        settings = AlarmSettings(
            webhook=webhook,
            mail_to="a@example.org",
            smtp="127.0.0.1:1",
            command=f'{sys.executable} -c "{KEEP}" {kept}',
        )
        problems = send_alarm(settings, SUBJECT, TEXT)
    assert gone.mails == []
    assert [line.split(": ")[0] for line in problems] == [
        "the alarm did not get through by webhook",
        "the alarm did not get through by mail_to",
    ]
    assert "500" in problems[0]
    assert kept.read_text().startswith(SUBJECT)
    kept.unlink()
    for webhook in ("http://127.0.0.1:none/", "http://a.example/\n"):  # http.client's own errors
        settings = AlarmSettings(webhook=webhook, command=f'{sys.executable} -c "{KEEP}" {kept}')
        (problem,) = send_alarm(settings, SUBJECT, TEXT)
        assert problem.startswith("the alarm did not get through by webhook: ")
    assert kept.read_text().startswith(SUBJECT)
    (problem,) = send_alarm(AlarmSettings(command="false"), SUBJECT, TEXT)
    assert "exit status 1" in problem


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_webhook_that_sends_elsewhere_has_not_taken_the_alarm(status: int) -> None:
    with receiving_posts() as other:
        address = f"http://127.0.0.1:{other.port}/new"
        with receiving_posts(status, address) as moved:
            (problem,) = send_alarm(AlarmSettings(webhook=f"http://127.0.0.1:{moved.port}/"), SUBJECT, TEXT)
    assert len(moved.posts) == 1
    assert other.posts == []
    assert f"answered {status} " in problem
    assert problem.endswith(f"and names {address}: put the address that takes alarms into alarm.webhook")


def test_mail_goes_to_no_server_whose_certificate_is_not_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with receiving_mails(context) as mailed:
        smtp = f"localhost:{mailed.port}"
        settings = AlarmSettings(mail_to="a@example.org", smtp=smtp, smtp_security="tls")
        (problem,) = send_alarm(settings, SUBJECT, TEXT)
        assert "certificate verify failed" in problem
        assert mailed.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert send_alarm(settings, SUBJECT, TEXT) == []
        assert len(mailed.mails) == 1


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "galcat.toml").write_text('[alarm]\nwebhook = "https://of.file"\nsmtp = "mail:587"\n')
    monkeypatch.setenv("GALCAT_ALARM_WEBHOOK", "https://of.environment")
    settings = load_alarm_settings(tmp_path)
    assert (settings.webhook, settings.smtp) == ("https://of.environment", "mail:587")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alarm", "galcat.toml: "),
        ("alarm = 1", "galcat.toml: alarm is a table"),
        ('[alarm]\nwebhok = "https://a.b"', "galcat.toml: alarm.webhok: Extra inputs are not permitted"),
        (
            '[alarm]\nwebhook = "file:///etc/passwd"',
            "galcat.toml: alarm.webhook: Value error, no http or https",
        ),
        ('[alarm]\nsmtp_security = "ssl"', "galcat.toml: alarm.smtp_security: Input should be "),
    ],
)
def test_a_setting_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "galcat.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_alarm_settings(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
