"""The runner of the long parts: what it calls, and how it ends."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import long
from tests.waiting import LAST_LIMIT_S, wait_until

ROOT = Path(__file__).resolve().parents[1]


def test_every_part_has_a_marker_that_tests_may_bear() -> None:
    pytest_settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    known = {line.partition(":")[0] for line in pytest_settings["markers"]}
    names = [part.name for part in long.PARTS]
    assert names == ["fuzz", "mutation", "kills", "long", "browsers", "servers"]
    for part in long.PARTS:
        words = set(part.marked.replace("(", " ").replace(")", " ").split()) - {"and", "not", "or"}
        assert words <= known


def test_a_part_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert long.main(["nosuch"]) == 2
    said = capsys.readouterr()
    assert said.err == "no part nosuch: there are fuzz, mutation, kills, long, browsers, servers\n"


@pytest.mark.parametrize(
    ("code", "limit_s", "end"),
    [
        ("", LAST_LIMIT_S, "passed"),
        ("raise SystemExit(5)", LAST_LIMIT_S, "passed"),  # nothing was left to be run
        ("raise SystemExit(1)", LAST_LIMIT_S, "failed (exit code 1)"),
        ("import signal; signal.pause()", 0.1, "not through in an hour: run it again"),
    ],
)
def test_a_part_ends_by_itself_or_at_its_limit(code: str, limit_s: float, end: str) -> None:
    assert long._run([sys.executable, "-c", code], dict(os.environ), limit_s) == end


def test_ctrl_c_is_one_line_and_ends_what_runs(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    part = (
        "import pathlib, signal, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(2))\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        "signal.pause()\n"
    )
    code = (
        "import sys; from pathlib import Path; from tests import long\n"
        f"long.ROOT = Path({str(tmp_path)!r})\n"
        f"long._command = lambda part, passed: [sys.executable, '-c', {part!r}]\n"
        "sys.exit(long.main(['kills', 'long']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_until(begun.exists, "the part's beginning")
        run.send_signal(signal.SIGINT)
        said, complained = run.communicate(timeout=LAST_LIMIT_S)
    assert (run.returncode, complained) == (130, "")
    assert said.startswith("kills    stopped: run it again to go on ")
    assert said.count("\n") == 1
