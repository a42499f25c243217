"""`python -m tests.mutation`: faults are put into the code one at a time, and a test must fail for each.

    python -m tests.mutation [TARGET or FILE ...] [--sample N] [--seed S] [--quick]

mutmut makes the faults and runs the tests that reach them. A run that is interrupted goes on where it
stopped, as long as neither the code nor the tests of the target have changed. What no test noticed is listed
in `runs/test-long/mutation/TARGET/survivors.txt`.

All faults take many hours. With `--sample` a seeded draw of N faults of each target is tried, evenly over
its files, and the share that tests notice is given with its 95 % interval. With `--quick` only
tests that ask no database, try no random inputs and take less than a second of processor time are run, so
that the share is at least what is said.
"""

import argparse
import fnmatch
import hashlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.cheapest_first import QUICK
from tests.conftest import SERVER_HOME, new_home, remove_home

ROOT = Path(__file__).resolve().parents[1]
MIN_KILLED = 0.85
"""Share of the faults that tests must notice."""
INTERRUPTED = 130
_PACKAGES = ("catalog", "encoder", "galcat", "table_files", "dagster_jobs", "ray_jobs")
_BESIDE = ("sql", "docs", "README.md")  # what tests read beside the packages
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc")
_CHILDREN = 2
_UNNOTICED = ("survived", "no tests", "suspicious")  # as mutmut says it
_UNTRIED = ("not checked", "check was interrupted by user")
_SETTINGS = """
[tool.mutmut]
source_paths = {packages}
only_mutate = {files}
also_copy = {beside}
pytest_add_cli_args = {arguments}
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
track_dependencies = false
use_git_change_detection = false
use_setproctitle = false
"""
_ARGUMENTS = ["-p", "no:cacheprovider", "-p", "tests.cheapest_first"]
_MARKED = ["-m", "not (long or kills or browser or servers)"]
_MAKE_FAULTS = """
from mutmut import __main__ as mutmut
mutmut.set_mutant_under_test("mutant_generation")
mutmut.copy_src_dir()
mutmut.copy_also_copy_files()
mutmut.setup_source_paths()
mutmut.create_mutants({children})
"""
_NORMAL_95 = 1.959964
"""Deviations of a normal distribution that hold 95 % of it."""


@dataclass(frozen=True)
class Target:
    """Code that is tried, and its tests.

    Attributes:
        name: Names the folder of its results.
        code: Pattern of its files.
        tests: Folders of the tests that must notice.
        left_out: Files of tests that count Python frames, of which mutmut adds one to each call.
    """

    name: str
    code: str
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()


TARGETS = (
    Target("table_files", "table_files/*", ("tests/table_files",)),
    Target("tiles", "encoder/tiles/*", ("tests/encoder/tiles",)),
    Target(
        "adql",
        "catalog/adql/*",
        ("tests/catalog/adql",),
        ("tests/catalog/adql/test_limits.py", "tests/catalog/adql/test_translation_size.py"),
    ),
)


@dataclass(frozen=True)
class Score:
    """What became of a target's faults.

    Attributes:
        noticed: Number that a test noticed, by failing or by not coming to its end.
        survived: Number that no test noticed, or reached.
        untried: Number that was not tried yet.
    """

    noticed: int
    survived: int
    untried: int

    @property
    def is_enough(self) -> bool:
        """Whether all were tried, and enough noticed."""
        return not self.untried and self.noticed >= MIN_KILLED * (self.noticed + self.survived)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share of all faults that is noticed, where these are a sample (Wilson)."""
        n, z2 = self.noticed + self.survived, _NORMAL_95**2
        if n == 0:
            return 0.0, 1.0
        share = self.noticed / n
        half = _NORMAL_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        return tuple((share + z2 / (2 * n) + sign * half) / (1 + z2 / n) for sign in (-1, 1))  # type: ignore[return-value]


def main(arguments: list[str]) -> int:
    """Try the targets or files that are named, or all targets.

    Returns:
        0 where tests notice enough, 1 where not, 2 for a name that is no target, 130 where interrupted.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in tests/long.py
    asked = _parse(arguments)
    try:
        targets = [find_target(word) for word in asked.targets] or list(TARGETS)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    scores = []
    for target in targets:
        folder = ROOT / "runs" / "test-long" / "mutation" / target.name
        prepare(target, ROOT, folder)
        names = draw(list_faults(folder), asked.sample, asked.seed) if asked.sample else None
        if (code := try_all(folder, names, quick=asked.quick)) != 0:
            if code != INTERRUPTED:
                sys.stderr.write(f"mutmut failed on {target.name}, see {folder / 'mutmut.log'}\n")
            return code
        scores.append(score := report(folder, names))
        total = score.noticed + score.survived
        low, high = score.interval
        sys.stdout.write(
            f"{target.name}: tests notice {score.noticed} of {total} faults, {score.untried} not tried; "
            + (f"of all {low:.1%} to {high:.1%} (95 %); " if names is not None else "")
            + f"wanted {MIN_KILLED:.0%}; the others are in {folder / 'survivors.txt'}\n"
        )
    return int(not all(score.is_enough for score in scores))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("tests.mutation", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET or FILE")
    parser.add_argument("--sample", type=int, metavar="N", help="faults of each target; all without it")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which are drawn")
    parser.add_argument("--quick", action="store_true", help="leave out what is slow or asks a database")
    return parser.parse_args(arguments)


def find_target(word: str) -> Target:
    """The target of a name; of a file, the same tests on that file alone.

    Raises:
        ValueError: There is no such target, and the file is in none.
    """
    for target in TARGETS:
        if word == target.name:
            return target
        if fnmatch.fnmatch(word, target.code) and (ROOT / word).is_file():
            return Target(
                Path(word).with_suffix("").as_posix().replace("/", "."), word, target.tests, target.left_out
            )
    known = ", ".join(target.name for target in TARGETS)
    raise ValueError(f"{word} is no target and no file of one: there are {known}")


def prepare(target: Target, source: Path, folder: Path) -> None:
    """Lay the code and its tests out in a folder; results of the same code and tests stay.

    Args:
        target: What is tried.
        source: The checkout.
        folder: Where mutmut works; made anew where something of the target has changed.
    """
    state, kept = _state_of(target, source), folder / "state.txt"
    if kept.is_file() and kept.read_text() == state:
        return
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mutants").mkdir(parents=True)  # before Python looks for it on its path, or it never will
    for name in (*_PACKAGES, *_BESIDE, "tests"):
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=_NOT_COPIED)
        elif (source / name).exists():
            shutil.copy(source / name, folder / name)
    if (shared := source.parent / "shared").exists():
        (folder / "shared").symlink_to(shared)
    settings = _SETTINGS.format(
        packages=json.dumps([name for name in _PACKAGES if (source / name).is_dir()]),
        files=json.dumps([target.code]),
        beside=json.dumps(_BESIDE),
        tests=json.dumps(target.tests),
        arguments=json.dumps([*_ARGUMENTS, *_MARKED, *(f"--ignore={file}" for file in target.left_out)]),
    )
    (folder / "pyproject.toml").write_text((source / "pyproject.toml").read_text() + settings)
    kept.write_text(state)


def list_faults(folder: Path) -> list[str]:
    """Make the faults of a folder, none of which is tried; returns their names by files and functions."""
    command = [sys.executable, "-c", _MAKE_FAULTS.format(children=_CHILDREN)]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return sorted(_states(folder))


def draw(names: Sequence[str], n: int, seed: int) -> list[str]:
    """Draw n of the names evenly, each with the same probability; all where there are no more.

    It is every so many-th, from a place that the seed chooses.
    """
    if len(names) <= n:
        return list(names)
    step = len(names) / n
    start = random.Random(seed).random() * step
    return [names[int(start + i * step)] for i in range(n)]


def try_all(folder: Path, names: Sequence[str] | None = None, *, quick: bool = False) -> int:
    """Try the faults that are named, or every one that was not tried yet.

    Args:
        folder: Where mutmut works.
        names: Names of faults; None for all.
        quick: Whether to leave out tests that are slow or ask a database.

    Returns:
        mutmut's exit code, or 130 where it was interrupted.
    """
    if names is not None:
        tried = _states(folder)
        names = [name for name in names if tried[name] in _UNTRIED]
        if not names:
            return 0
    with _one_server() as server:
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder / "mutants"),  # for the processes of tests too
            SERVER_HOME: str(server),
            **({QUICK: "1"} if quick else {}),
        }
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(_CHILDREN), *(names or ())]
        # mutmut draws a wheel that turns, which only a terminal wipes out again.
        with (
            nullcontext() if sys.stdout.isatty() else (folder / "mutmut.log").open("w") as log,
            subprocess.Popen(command, cwd=folder, env=environment, stdout=log) as run,
        ):
            try:
                return run.wait()
            except KeyboardInterrupt:
                run.send_signal(signal.SIGINT)
                run.wait()
                return INTERRUPTED


def report(folder: Path, names: Sequence[str] | None = None) -> Score:
    """Count what became of all faults or those named, and list in `survivors.txt` what no test noticed."""
    states = _states(folder)
    found = [(name, states[name]) for name in (states if names is None else names)]
    survived = [f"{state}: {name}\n" for name, state in found if state in _UNNOTICED]
    untried = sum(state in _UNTRIED for _, state in found)
    skipped = sum(state == "skipped" for _, state in found)
    how = f"# See one by: cd {folder} && {sys.executable} -m mutmut show NAME\n"
    (folder / "survivors.txt").write_text(how + "".join(survived))
    return Score(len(found) - len(survived) - untried - skipped, len(survived), untried)


def _states(folder: Path) -> dict[str, str]:
    """What became of every fault, by its name."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return dict(line.strip().rpartition(": ")[::2] for line in said.splitlines() if ": " in line)


@contextmanager
def _one_server() -> Iterator[Path]:
    """The home of one Postgres for all runs of pytest: each would take seconds to start its own."""
    home = new_home()
    try:
        yield home
    finally:
        remove_home(home)


def _state_of(target: Target, source: Path) -> str:
    """A digest of the target's code, and of everything in tests that its own can use."""
    digest = hashlib.sha256(_SETTINGS.encode())
    patterns = (target.code, "tests/*.py", *(f"{folder}/*" for folder in target.tests))
    folders = (*_PACKAGES, "tests")
    paths = [path for folder in folders for path in (source / folder).rglob("*.py")]
    files = sorted(path.relative_to(source).as_posix() for path in paths)
    for file in files:
        if any(fnmatch.fnmatch(file, pattern) for pattern in patterns):
            digest.update(f"{file}\n".encode() + (source / file).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
