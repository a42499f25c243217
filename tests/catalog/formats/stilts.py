"""TOPCAT's command line, which reads files as TOPCAT does."""

import shutil
import subprocess

import pytest

from tests.waiting import LAST_LIMIT_S

needs_stilts = pytest.mark.skipif(
    shutil.which("stilts") is None, reason="stilts is not installed (apt-get install stilts)"
)


def stilts(*arguments: str) -> str:
    """What it prints on both streams.

    Raises:
        AssertionError: It failed; says why.
    """
    done = subprocess.run(["stilts", *arguments], capture_output=True, check=False, timeout=LAST_LIMIT_S)
    assert done.returncode == 0, done.stderr.decode()
    return (done.stdout + done.stderr).decode()
