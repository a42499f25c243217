"""`make test-long`: the parts that take too long for every commit, one after another.

    python -m tests.long [PART ...] [--afresh]

A part that was interrupted, ran out of its hour or failed goes on where it stopped: tests that passed on
this state of the code are not run again. `--afresh` forgets them.

A test is in a part by its marker; `tests/sizes.py` makes it larger here than in `make test`, where a small
piece of it stands too. Only tests marked `long` stand here alone.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PART_S = 3600
"""Seconds that a part may take."""
_SECONDS_TO_END = 60
_NOTHING_LEFT = 5  # pytest's exit code where no test was collected


@dataclass(frozen=True)
class Part:
    """Tests of one marker.

    Attributes:
        marker: Which.
        times: How many times as large they are as in `make test`.
        purpose: In one line.
    """

    marker: str
    times: int
    purpose: str


PARTS = (
    Part("fuzz", 40, "random queries, searches and regions, other ones each time"),
    Part("kills", 15, "processes killed at many moments"),
    Part("long", 1, "trainings and imported encoders of every kind"),
)


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or all; returns 1 if one failed or did not come to its end."""
    names = [word for word in arguments if word != "--afresh"]
    unknown = set(names) - {part.marker for part in PARTS}
    if unknown:
        sys.stderr.write(f"no part {min(unknown)}: there are {', '.join(part.marker for part in PARTS)}\n")
        return 2
    state = ROOT / "runs" / "test-long" / _state_of_the_code()
    if "--afresh" in arguments:
        shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, exist_ok=True)
    chosen = [part for part in PARTS if not names or part.marker in names]
    ends = [(part, *_run(part, state / f"{part.marker}.passed")) for part in chosen]
    for part, end, seconds in ends:
        sys.stdout.write(f"{part.marker:8} {end:40} {seconds / 60:5.1f} min   {part.purpose}\n")
    return int(any(end != "passed" for _, end, _ in ends))


def _run(part: Part, passed: Path) -> tuple[str, float]:
    """Run a part for an hour at most; returns how it ended, and seconds."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m", part.marker]
    with subprocess.Popen(
        [*command, "--passed", str(passed), "tests"],
        cwd=ROOT,
        env=os.environ | {"TEST_TIMES": str(part.times)},
    ) as run:
        try:
            code = run.wait(PART_S)
        except subprocess.TimeoutExpired:
            _end(run)
            return "not through in an hour: run it again", time.monotonic() - began
        except KeyboardInterrupt:
            _end(run)
            raise
    end = "passed" if code in {0, _NOTHING_LEFT} else f"failed (pytest's exit code {code})"
    return end, time.monotonic() - began


def _end(run: "subprocess.Popen[bytes]") -> None:
    run.send_signal(signal.SIGINT)
    try:
        run.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        run.kill()


def _state_of_the_code() -> str:
    """A name for the commit and what was changed since; the same for ever where there is no git."""
    digest = hashlib.sha256()
    for command in (["git", "rev-parse", "HEAD"], ["git", "diff", "HEAD"]):
        try:
            digest.update(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
        except (OSError, subprocess.CalledProcessError):
            return "no-git"
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
