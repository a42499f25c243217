"""What Postgres said last is found in its log."""

import pytest

from catalog.database.embedded.process import last_complaint

STAMP = "2026-01-02 03:04:05.678 UTC [99]"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            [
                f"{STAMP} FATAL:  could not map memory",
                f"{STAMP} HINT:  Use less.",
                f"{STAMP} LOG:  shut down",
            ],
            "could not map memory",
        ),
        (
            [
                f"{STAMP} FATAL:  could not extend file: No space left on device",
                f"{STAMP} PANIC:  cannot abort transaction 1, it was already committed",
                "child process exited with exit code 134",
            ],
            "could not extend file: No space left on device",
        ),
        (
            [
                f'{STAMP} LOG:  invalid value for parameter "work_mem": "x"',
                f'{STAMP} FATAL:  configuration file "/a/postgresql.conf" contains errors',
            ],
            'invalid value for parameter "work_mem": "x"',
        ),
        (
            [
                f"{STAMP} FATAL:  the database system is starting up",
                f"{STAMP} PANIC:  could not locate a valid checkpoint record",
                f"{STAMP} LOG:  startup process was terminated by signal 6: Aborted",
            ],
            "could not locate a valid checkpoint record",
        ),
        (["initdb: error: could not look up effective user ID 7"], "could not look up effective user ID 7"),
        (["sh: 1: postgres: not found", ""], "sh: 1: postgres: not found"),
        ([], "it said nothing"),
    ],
)
def test_the_cause_is_chosen_from_what_was_said(lines: list[str], complaint: str) -> None:
    assert last_complaint("\n".join(lines)) == complaint
