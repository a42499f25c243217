"""Ctrl-C and SIGTERM end a command without a traceback, at whatever moment they come."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it ships no types
import pytest

from tests.waiting import wait_until

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
# A stand-in for a library that takes long to import, and makes an error of its own of an interrupt.
SLOW_LIBRARY = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(60)
except BaseException:
    raise ImportError("failed to import")
"""
START = "from galcat.cli.main import main; main()"


def run_galcat(code: str, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder or ""), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("typer", ["--help"]),
        ("psycopg", ["sql", "SELECT 1"]),
        ("torch", ["embed", "pictures", "-o", "vectors.parquet"]),
    ],
)
def test_a_signal_in_mid_import_ends_the_command_at_once(
    tmp_path: Path, number: signal.Signals, code: int, library: str, words: list[str]
) -> None:
    (tmp_path / f"{library}.py").write_text(SLOW_LIBRARY.format(name=number.name))
    done = run_galcat(START, *words, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize(
    "moment",
    [
        "kill()",  # at work: KeyboardInterrupt goes all the way up
        "\n    try: kill()\n    except BaseException: raise RuntimeError('a library has its own idea')",
        # In a destructor Python can only print it.
        "\n    class Thing:\n        def __del__(self): kill()\n    Thing(); [None] * 10",
        "\n    import atexit; atexit.register(kill)",  # when the command is done
    ],
)
def test_a_signal_at_work_gives_the_exit_code_and_no_word(
    number: signal.Signals, code: int, moment: str
) -> None:
    patched = (
        "import os, signal\n"
        "from galcat.cli import main as line\n"
        f"def kill(): os.kill(os.getpid(), signal.{number.name})\n"
        f"def work(): {moment}\n"
        "line.run = work\n"
        "line.main()\n"
    )
    done = run_galcat(patched)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from galcat.cli import main as line\n"
        "line.run = lambda: (signal.raise_signal(signal.SIGINT), print('done'))\n"
        "line.main()\n"
    )
    done = run_galcat(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_ctrl_c_ends_the_processes_that_simulate_without_a_word_of_theirs(tmp_path: Path) -> None:
    words = ["demo", "--bricks", "4", "--galaxies", "300"]
    with subprocess.Popen(
        [sys.executable, "-c", START, *words],
        env={**os.environ, "GALCAT_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its group hears of Ctrl-C, as in a terminal, and this test does not
    ) as process:
        workers: list[psutil.Process] = []

        def has_workers() -> bool:
            children = psutil.Process(process.pid).children(recursive=True)
            workers[:] = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            return bool(workers)

        wait_until(has_workers, "the simulation started a process")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert (out, err.splitlines()[1:]) == ("", [])
    assert err.startswith("simulating 4 bricks")
    assert not any(worker.is_running() for worker in workers)
