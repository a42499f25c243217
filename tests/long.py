"""`make test-long`: the parts that take too long for every commit, one after another.

    python -m tests.long [PART ...] [--afresh]

A part that was interrupted, ran out of its hour or failed goes on where it stopped: tests that passed on
this state of the code are not run again. `--afresh` forgets them.

A test is in a part by its marker; `tests/sizes.py` makes it larger here than in `make test`, where a small
piece of it stands too: the first browser, the newest server. Only tests marked `long` stand here alone.
The part `mutation` is no set of tests but tries them: see `tests/mutation.py`.
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
_INTERRUPTED = 130
_STOPPED = "stopped: run it again to go on"
_OTHERS = ("fuzz", "kills", "browser", "servers")  # markers of tests that have a part of their own


@dataclass(frozen=True)
class Part:
    """A part that takes an hour at most.

    Attributes:
        name: What it is called.
        purpose: In one line.
        marked: Which tests, as an expression of their markers; empty for the part that is no set of tests.
        times: How many times as large they are as in `make test`.
    """

    name: str
    purpose: str
    marked: str = ""
    times: int = 1


PARTS = (
    Part("fuzz", "random queries, searches and regions, other ones each time", "fuzz", 40),
    Part("mutation", "faults put into the code, which tests must notice"),
    Part("kills", "processes killed at many moments", "kills", 15),
    Part("long", "trainings and imported encoders of every kind", f"long and not ({' or '.join(_OTHERS)})"),
    Part("browsers", "the page in every browser", "browser", 2),
    Part("servers", "every Postgres and pgvector that is supported", "servers", 2),
)


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or all.

    Returns:
        0 where all passed, 1 where one failed or did not come to its end, 2 for a name that is no part, 130
        after Ctrl-C.
    """
    names = [word for word in arguments if word != "--afresh"]
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        sys.stderr.write(f"no part {min(unknown)}: there are {', '.join(part.name for part in PARTS)}\n")
        return 2
    chosen = [part for part in PARTS if not names or part.name in names]
    kept = ROOT / "runs" / "test-long"
    state = kept / _state_of_the_code()
    if "--afresh" in arguments:
        shutil.rmtree(state, ignore_errors=True)
        if any(not part.marked for part in chosen):
            shutil.rmtree(kept / "mutation", ignore_errors=True)
    state.mkdir(parents=True, exist_ok=True)
    ends = []
    for part in chosen:
        began = time.monotonic()
        end = _run(
            _command(part, state / f"{part.name}.passed"), os.environ | {"TEST_TIMES": str(part.times)}
        )
        ends.append(end)
        minutes = (time.monotonic() - began) / 60
        sys.stdout.write(f"{part.name:8} {end:36} {minutes:5.1f} min   {part.purpose}\n")
        if end == _STOPPED:
            return _INTERRUPTED
    return int(any(end != "passed" for end in ends))


def _command(part: Part, passed: Path) -> list[str]:
    if not part.marked:
        return [sys.executable, "-m", "tests.mutation"]
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m", part.marked]
    return [*command, "--passed", str(passed), "tests"]


def _run(command: list[str], environment: dict[str, str], limit_s: float = PART_S) -> str:
    """Run a part for an hour at most; returns how it ended."""
    # A shell's & has Ctrl-C ignored, also by what is started here: then no part could be ended.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=ROOT, env=environment) as run:
        try:
            code = run.wait(limit_s)
        except subprocess.TimeoutExpired:
            _end(run)
            return "not through in an hour: run it again"
        except KeyboardInterrupt:
            _end(run)
            return _STOPPED
    return "passed" if code in {0, _NOTHING_LEFT} else f"failed (exit code {code})"


def _end(run: "subprocess.Popen[bytes]") -> None:
    """Let a part end by itself, as after Ctrl-C, which reaches it too where a terminal sends it."""
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
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # between two parts
        sys.stdout.write(f"{_STOPPED}\n")
        sys.exit(_INTERRUPTED)
